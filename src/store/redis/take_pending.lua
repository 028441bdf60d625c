-- Takes the request at KEYS[1]. It stays for a while under KEYS[2], with the
-- name of the call that took it, for that call alone to hear it again.
local call = argument()
local kept = argument()
local fields = list()

if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'taken_by', call)
  redis.call('PEXPIRE', KEYS[2], kept)
elseif redis.call('HGET', KEYS[2], 'taken_by') ~= call then
  return false
end
return redis.call('HMGET', KEYS[2], unpack(fields))
