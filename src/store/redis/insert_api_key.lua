-- Stores a new API key at KEYS[1]. The other keys: the hashes by identifier, all
-- identifiers, those that end.
local id = argument()
local hash = argument()
local expires_at = list()[1]
local fields = list()

local function is_this_record()
  for index = 1, #fields, 2 do
    if redis.call('HGET', KEYS[1], fields[index]) ~= fields[index + 1] then
      return false
    end
  end
  return true
end

if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[2], id) == 1 then
  return (repeated and is_this_record()) and 1 or 0
end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('HSET', KEYS[2], id, hash)
redis.call('ZADD', KEYS[3], 0, id)
if expires_at then
  redis.call('ZADD', KEYS[4], expires_at, id)
end
return 1
