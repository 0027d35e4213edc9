"""What the board of a watch does in Redis in one step each, by the clock of Redis."""

# KEYS: turn. ARGV: token, milliseconds. Whether the turn is still the token's.
KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: turn, look. ARGV: token, rest in ms, seconds kept. Ends the turn of one whose look, if it began, tells nothing.
RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local now = redis.call('TIME')
redis.call('HSET', KEYS[2], 'tried', now[1] * 1000 + math.floor(now[2] / 1000))
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], 'rest', 'PX', ARGV[2])
return 1
"""

# KEYS: turn, jobs, events, look. ARGV: token, rest in ms, the shortest rest in ms, quiet looks, how long the look took
# in ms, error, ids that are sought, bell, seconds kept, events kept, then id, job and 1 for each job that is removed,
# 0 for each that changed. Only the holder of the turn may tell.
TELL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 11, #ARGV, 3 do
  if ARGV[i + 2] == '1' then
    redis.call('HDEL', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[10], '*', 'job', ARGV[i + 1], 'removed', ARGV[i + 2])
end
local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)
local rest, quiet = ARGV[2], ARGV[4]
if redis.call('HGET', KEYS[4], 'hasty') == '1' then rest, quiet = ARGV[3], 0 end
redis.call('HSET', KEYS[4], 'quiet', quiet, 'hasty', 0, 'tried', at - ARGV[5], 'error', ARGV[6], 'sought', ARGV[7])
if ARGV[6] == '' then redis.call('HSET', KEYS[4], 'at', at) end
redis.call('HINCRBY', KEYS[4], 'number', 1)
for i = 2, 4 do redis.call('EXPIRE', KEYS[i], ARGV[9]) end
redis.call('SET', KEYS[1], 'rest', 'PX', rest)
redis.call('PUBLISH', ARGV[8], '')
return 1
"""

# KEYS: turn, look. ARGV: the shortest period in ms, bell. A rest is cut to what is left of the shortest period; a look
# that is under way may have asked too early, so another one comes soon. Where nobody has watched it leaves nothing.
HASTEN = """
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'quiet', 0, 'hasty', 1)
if redis.call('GET', KEYS[1]) ~= 'rest' then return 0 end
local now = redis.call('TIME')
local since = now[1] * 1000 + math.floor(now[2] / 1000) - (redis.call('HGET', KEYS[2], 'tried') or 0)
local left = math.max(1, ARGV[1] - since)
if redis.call('PTTL', KEYS[1]) <= left then return 0 end
redis.call('PEXPIRE', KEYS[1], left)
redis.call('PUBLISH', ARGV[2], '')
return 1
"""
