-- Stores a new client; the keys are those of clients.lua.
local known = redis.call('HGET', KEYS[1], 'record')
if known then
  return (repeated and known == record) and 1 or 0
end
store_client()
return 1
