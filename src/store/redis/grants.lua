-- Stands before the scripts that begin or end grants: keeps the indexes, the
-- grants and their clients in step. The names of the keys are those of keys.rs.
local prefix = argument()

local function grant_key(id)
  return prefix .. 'grant:' .. id
end

local function grants_of_client(client)
  return prefix .. 'grants:client:' .. client
end

local function grants_of_subject(subject)
  return prefix .. 'grants:subject:' .. subject
end

-- A client is among the unused ones as long as it holds no grant at all, so
-- that a sweep never has to look at one that does.
local function begin_grant(id, client, subject, expires_at)
  redis.call('ZADD', prefix .. 'grants', 0, id)
  redis.call('ZADD', grants_of_client(client), 0, id)
  redis.call('ZADD', grants_of_subject(subject), 0, id)
  redis.call('ZADD', prefix .. 'grants:ends', expires_at, id)
  redis.call('ZREM', prefix .. 'clients:unused', client)
end

local function release_client(client)
  if redis.call('EXISTS', grants_of_client(client)) == 1 then
    return
  end
  local unused_until = redis.call('HGET', prefix .. 'client:' .. client, 'unused_until')
  if unused_until then
    redis.call('ZADD', prefix .. 'clients:unused', unused_until, client)
  end
end

-- Returns whether there was such a grant.
local function end_grant(id)
  local held = redis.call('HMGET', grant_key(id), 'client', 'subject')
  redis.call('DEL', grant_key(id), prefix .. 'answer:' .. id)
  redis.call('ZREM', prefix .. 'grants', id)
  redis.call('ZREM', prefix .. 'grants:ends', id)
  if not held[1] then
    return false
  end
  redis.call('ZREM', grants_of_client(held[1]), id)
  redis.call('ZREM', grants_of_subject(held[2]), id)
  release_client(held[1])
  return true
end
