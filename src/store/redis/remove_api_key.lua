-- Forgets an API key. KEYS: the hashes by identifier, where it is remembered which
-- call forgot it.
local prefix = argument()
local id = argument()
local call = argument()
local kept = argument()

if forget_api_key(prefix, id) then
  redis.call('SET', KEYS[2], call, 'PX', kept)
  return 1
end
return redis.call('GET', KEYS[2]) == call and 1 or 0
