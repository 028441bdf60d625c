-- Redeems the code at KEYS[3]; the other keys are those of tokens.lua.
local code_key = KEYS[3]
local now = tonumber(argument())
local id = argument()
local client = argument()
local subject = argument()
local expires_at = argument()
local grant = list()

local code = redis.call('HMGET', code_key, 'expires_at', 'grant')
if not code[1] or tonumber(code[1]) <= now then
  return {'absent', false}
end
if code[2] == id then
  return {'done', false}
end
if code[2] then
  return {'replayed', code[2]}
end
if redis.call('EXISTS', KEYS[1]) == 1 or is_access_token_taken() then
  return redis.error_reply('TAKEN the key of a new record is taken')
end
redis.call('HSET', code_key, 'grant', id)
redis.call('HSET', KEYS[1], unpack(grant))
begin_grant(id, client, subject, expires_at)
store_tokens()
return {'done', false}
