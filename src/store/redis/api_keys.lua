-- Stands before the scripts that forget API keys. The names of the keys are those
-- of keys.rs.

-- Returns whether there was such a key.
local function forget_api_key(prefix, id)
  local hash = redis.call('HGET', prefix .. 'apikeys:hashes', id)
  redis.call('ZREM', prefix .. 'apikeys', id)
  redis.call('ZREM', prefix .. 'apikeys:ends', id)
  if not hash then
    return false
  end
  redis.call('HDEL', prefix .. 'apikeys:hashes', id)
  redis.call('DEL', prefix .. 'apikey:' .. hash)
  return true
end
