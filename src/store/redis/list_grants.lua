-- Some of the grants in each index of KEYS that follow `after`, and where to go
-- on: false when there are no more.
local grants = argument()
local now = tonumber(argument())
local after = argument()
local length = tonumber(argument())
local fields = list()

-- Whatever the fields, the last one tells when the grant ends.
local function live(id)
  local held = redis.call('HMGET', grants .. id, unpack(fields))
  local expires_at = held[#fields]
  return expires_at and tonumber(expires_at) > now and held
end

local pages = {}
for _, index in ipairs(KEYS) do
  local ids = redis.call('ZRANGEBYLEX', index, after, '+', 'LIMIT', 0, length)
  local found = {}
  for _, id in ipairs(ids) do
    local held = live(id)
    if held then
      table.insert(found, {id, held})
    end
  end
  table.insert(pages, {#ids == length and ids[length], found})
end
return pages
