-- Stands before the scripts that store a client, and takes it from the arguments.
-- KEYS: the client, its grants, the unused clients, the dynamic clients.
local id = argument()
local record = argument()
local unused_until = list()[1]

-- A client that holds grants is not among the unused ones.
local function store_client()
  redis.call('HSET', KEYS[1], 'record', record)
  if not unused_until then
    redis.call('HDEL', KEYS[1], 'unused_until')
    redis.call('ZREM', KEYS[3], id)
    redis.call('SREM', KEYS[4], id)
    return
  end
  redis.call('HSET', KEYS[1], 'unused_until', unused_until)
  redis.call('SADD', KEYS[4], id)
  if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('ZADD', KEYS[3], unused_until, id)
  end
end
