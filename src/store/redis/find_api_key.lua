-- The API key at KEYS[1], after whether it could be ended: whether the hashes by
-- identifier, KEYS[2], and all identifiers, KEYS[3], have it.
local hash = argument()
local fields = list()

local held = redis.call('HMGET', KEYS[1], unpack(fields))
-- Whatever the fields, the first one is the identifier.
local id = held[1]
if not id then
  return false
end
local is_listed = redis.call('HGET', KEYS[2], id) == hash and redis.call('ZSCORE', KEYS[3], id)
return {is_listed and 1 or 0, held}
