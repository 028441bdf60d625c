-- Some of the API keys in the index KEYS[1] that follow `after`, and where to go on:
-- false when there are no more. KEYS[2]: the hashes by identifier.
local keys = argument()
local now = tonumber(argument())
local after = argument()
local length = tonumber(argument())
local fields = list()

-- Whatever the fields, the last one tells when the key ends, if it does.
local function live(hash)
  local held = redis.call('HMGET', keys .. hash, unpack(fields))
  local expires_at = held[#fields]
  return held[1] and not (expires_at and tonumber(expires_at) <= now) and held
end

local ids = redis.call('ZRANGEBYLEX', KEYS[1], after, '+', 'LIMIT', 0, length)
local found = {}
for _, id in ipairs(ids) do
  local hash = redis.call('HGET', KEYS[2], id)
  local held = hash and live(hash)
  if held then
    table.insert(found, {hash, held})
  end
end
return {#ids == length and ids[length], found}
