-- The grant at KEYS[1] with its refresh token, and the answer at KEYS[2].
local fields = list()

local found = redis.call('HMGET', KEYS[1], unpack(fields))
found[#fields + 1] = redis.call('GET', KEYS[2])
return found
