-- Rotates a refresh token; the keys are those of tokens.lua.
local now = tonumber(argument())
local id = argument()
local spent = argument()
local current = argument()
local expires_at = argument()
local refresh = list()
local fields = list()

local function is_over(time)
  return not time or tonumber(time) <= now
end

local held = redis.call('HMGET', KEYS[1], 'expires_at', 'refresh_until', 'current')
if is_over(held[1]) or is_over(held[2]) then
  return {'absent', false}
end
if held[3] == current then
  return {'done', false}
end
if held[3] ~= spent then
  local found = redis.call('HMGET', KEYS[1], unpack(fields))
  found[#fields + 1] = redis.call('GET', answer_key)
  return {'lost', found}
end
if is_access_token_taken() then
  return redis.error_reply('TAKEN the key of a new record is taken')
end
-- Otherwise every field is written anew.
if #refresh < 2 * #fields then
  redis.call('HDEL', KEYS[1], unpack(fields))
end
redis.call('HSET', KEYS[1], 'expires_at', expires_at, unpack(refresh))
redis.call('ZADD', prefix .. 'grants:ends', expires_at, id)
store_tokens()
return {'done', false}
