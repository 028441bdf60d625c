-- Forgets grants that have ended, then clients that nobody uses, as ending a grant
-- may leave its client unused, and then API keys that have ended.
local now = argument()
local limit = tonumber(argument())

local function first(index, count)
  return redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, count)
end

local ended = first(prefix .. 'grants:ends', limit)
for _, id in ipairs(ended) do
  end_grant(id)
end
local unused = first(prefix .. 'clients:unused', limit - #ended)
for _, client in ipairs(unused) do
  redis.call('DEL', prefix .. 'client:' .. client)
  redis.call('ZREM', prefix .. 'clients:unused', client)
  redis.call('SREM', prefix .. 'clients:dynamic', client)
end
local lapsed = first(prefix .. 'apikeys:ends', limit - #ended - #unused)
for _, id in ipairs(lapsed) do
  forget_api_key(prefix, id)
end
return #ended + #unused + #lapsed
