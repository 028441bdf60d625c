-- Raises the version of the schema at KEYS[1], unless somebody did so before.
local from = argument()
local to = argument()
if redis.call('GET', KEYS[1]) == from then
  redis.call('SET', KEYS[1], to)
end
