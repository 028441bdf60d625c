-- Replaces subject and details of the grant at KEYS[1].
local id = argument()
local old = argument()
local subject = argument()
local details = argument()

local held = redis.call('HMGET', KEYS[1], 'details', 'subject')
if repeated and held[1] == details and held[2] == subject then
  return 1
end
if held[1] ~= old then
  return 0
end
redis.call('HSET', KEYS[1], 'details', details, 'subject', subject)
redis.call('ZREM', grants_of_subject(held[2]), id)
redis.call('ZADD', grants_of_subject(subject), 0, id)
return 1
