-- Ends a grant. KEYS: the grant, where it is remembered which call ended it.
local id = argument()
local call = argument()
local kept = argument()

if end_grant(id) then
  redis.call('SET', KEYS[2], call, 'PX', kept)
  return 1
end
return redis.call('GET', KEYS[2]) == call and 1 or 0
