-- Stores a new client. KEYS: the client, its grants, the unused clients.
local id = argument()
local record = argument()
local unused_until = list()

local known = redis.call('HGET', KEYS[1], 'record')
if known then
  return (repeated and known == record) and 1 or 0
end
redis.call('HSET', KEYS[1], 'record', record)
if #unused_until > 0 then
  redis.call('HSET', KEYS[1], 'unused_until', unused_until[1])
  if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('ZADD', KEYS[3], unused_until[1], id)
  end
end
return 1
