-- Stores the key of a new generation.
local generation = argument()
local key = argument()

if redis.call('HSETNX', KEYS[1], generation, key) == 1 then
  return 1
end
return (repeated and redis.call('HGET', KEYS[1], generation) == key) and 1 or 0
