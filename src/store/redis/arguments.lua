-- Stands before every script: reads the arguments in the order in which
-- script.rs gives them.
local position = 0

local function argument()
  position = position + 1
  return ARGV[position]
end

local function list()
  local length = tonumber(argument())
  local items = {unpack(ARGV, position + 1, position + length)}
  position = position + length
  return items
end

-- Whether this may be the second time that the server hears this very call,
-- because the connection broke before the first answer arrived.
local repeated = argument() == '1'
