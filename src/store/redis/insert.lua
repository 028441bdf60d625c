-- Stores a new record under KEYS[1], unless it or a trace of it is there: a
-- request that was taken is still known under KEYS[2].
local expires_at = argument()
local fields = list()

local function is_this_record(key)
  for index = 1, #fields, 2 do
    if redis.call('HGET', key, fields[index]) ~= fields[index + 1] then
      return false
    end
  end
  return true
end

for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    return (repeated and is_this_record(key)) and 1 or 0
  end
end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('EXPIREAT', KEYS[1], expires_at)
return 1
