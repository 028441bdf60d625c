-- Takes the lease at KEYS[1], or extends it.
local holder = argument()
local until_time = argument()
local now = tonumber(argument())
local forgotten_at = argument()

local held = redis.call('HMGET', KEYS[1], 'holder', 'until')
if held[1] and held[1] ~= holder and tonumber(held[2]) > now then
  return 0
end
-- A server that is full lets a script go on that began with a deletion, and what
-- the lease is for makes room.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'holder', holder, 'until', until_time)
redis.call('EXPIREAT', KEYS[1], forgotten_at)
return 1
