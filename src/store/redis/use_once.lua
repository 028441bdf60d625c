-- Uses up what KEYS[1] stands for: it holds until when that counts, and which call
-- it was. How long the key lives is told as a duration, so that it is all the same
-- what the clock of this server shows.
local call = argument()
local until_time = argument()
local now = tonumber(argument())
local kept = argument()

local held = redis.call('HMGET', KEYS[1], 'until', 'call')
if held[1] and tonumber(held[1]) > now then
  return held[2] == call and 1 or 0
end
redis.call('HSET', KEYS[1], 'until', until_time, 'call', call)
redis.call('EXPIRE', KEYS[1], kept)
return 1
