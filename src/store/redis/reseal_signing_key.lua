-- Replaces what is sealed of the key of one generation, and not what is said of
-- it before.
local generation = argument()
local old = argument()
local new = argument()

local held = redis.call('HGET', KEYS[1], generation)
local said = held and held:match('^%S+ %S+ ')
if not said then
  return 0
end
if repeated and held == said .. new then
  return 1
end
if held ~= said .. old then
  return 0
end
redis.call('HSET', KEYS[1], generation, said .. new)
return 1
