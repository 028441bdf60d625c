-- Stands before the scripts that issue tokens, and takes from the arguments
-- what they share. KEYS: the grant, the answer, …, the access token if there is one.
local answer_key = KEYS[2]
local access_key = KEYS[#KEYS]
local access = list()
local access_until = argument()
local answer = list()
local answer_until = argument()

local function is_access_token_taken()
  return #access > 0 and redis.call('EXISTS', access_key) == 1
end

local function store_tokens()
  if #access > 0 then
    redis.call('HSET', access_key, unpack(access))
    redis.call('EXPIREAT', access_key, access_until)
  end
  if #answer > 0 then
    redis.call('SET', answer_key, answer[1], 'EXAT', answer_until)
  else
    redis.call('DEL', answer_key)
  end
end
