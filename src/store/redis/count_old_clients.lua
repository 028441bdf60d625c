-- Counts those of some clients that registered themselves and are still there.
-- KEYS: the dynamic clients, then the clients.
for at, id in ipairs(list()) do
  if redis.call('HEXISTS', KEYS[at + 1], 'unused_until') == 1 then
    redis.call('SADD', KEYS[1], id)
  end
end
