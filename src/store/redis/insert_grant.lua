-- Begins a grant without a code; the keys are those of tokens.lua.
local id = argument()
local client = argument()
local subject = argument()
local details = argument()
local expires_at = argument()
local grant = list()

if redis.call('EXISTS', KEYS[1]) == 1 then
  local same = redis.call('HGET', KEYS[1], 'details') == details
  return (repeated and same) and 1 or 0
end
if is_access_token_taken() then
  return redis.error_reply('TAKEN the key of a new record is taken')
end
redis.call('HSET', KEYS[1], unpack(grant))
begin_grant(id, client, subject, expires_at)
store_tokens()
return 1
