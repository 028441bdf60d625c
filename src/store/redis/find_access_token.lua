-- The token at KEYS[1] and its grant, which only the token names.
local grants = argument()
local token_fields = list()
local grant_fields = list()

local token = redis.call('HMGET', KEYS[1], unpack(token_fields))
if not token[1] then
  return false
end
return {token, redis.call('HMGET', grants .. token[1], unpack(grant_fields))}
