-- Replaces what is sealed of the API key at KEYS[1].
local id = argument()
local old = argument()
local new = argument()

local held = redis.call('HMGET', KEYS[1], 'id', 'details')
if held[1] ~= id then
  return 0
end
if repeated and held[2] == new then
  return 1
end
if held[2] ~= old then
  return 0
end
redis.call('HSET', KEYS[1], 'details', new)
return 1
