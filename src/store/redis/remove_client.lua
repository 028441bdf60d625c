-- Forgets a client; its grants stay. KEYS: the client, where it is remembered which
-- call forgot it, the unused clients, the dynamic clients.
local id = argument()
local call = argument()
local kept = argument()

-- Asked first: it may have been stored anew since.
if repeated and redis.call('GET', KEYS[2]) == call then
  return 1
end
if redis.call('DEL', KEYS[1]) == 0 then
  return 0
end
redis.call('ZREM', KEYS[3], id)
redis.call('SREM', KEYS[4], id)
redis.call('SET', KEYS[2], call, 'PX', kept)
return 1
