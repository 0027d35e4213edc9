"""The steps that Redis carries out as one; each recognises its own repetition, so a lost answer is asked for again."""

# KEYS: task, idempotency, index, open, open of the user, stream
# ARGV: id, sort key, digest, seconds of the idempotency key, seconds of the user's keys, events kept, tasks listed,
#       tasks open at most, bell of the task, bell of the user, change, created at, then the fields of the hash
# Answers: {'made'} | {'known', id, digest} | {'full', open}
CREATE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return {'made'} end
if ARGV[3] ~= '' then
    local known = redis.call('HMGET', KEYS[2], 'task', 'digest')
    if known[1] then return {'known', known[1], known[2]} end
end
local count = redis.call('SCARD', KEYS[5])
if count >= tonumber(ARGV[8]) then return {'full', count} end
if ARGV[3] ~= '' then
    redis.call('HSET', KEYS[2], 'task', ARGV[1], 'digest', ARGV[3])
    redis.call('EXPIRE', KEYS[2], ARGV[4])
end
redis.call('HSET', KEYS[1], unpack(ARGV, 13))
redis.call('ZADD', KEYS[3], 0, ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[7]))
redis.call('ZADD', KEYS[4], ARGV[12], ARGV[1])
redis.call('SADD', KEYS[5], ARGV[1])
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[6], '*', 'task', ARGV[1], 'change', ARGV[11])
for _, key in ipairs({KEYS[3], KEYS[5], KEYS[6]}) do redis.call('EXPIRE', key, ARGV[5]) end
redis.call('PUBLISH', ARGV[9], '')
redis.call('PUBLISH', ARGV[10], '')
return {'made'}
"""

# KEYS: task, owner, open, open of the user, stream, index
# ARGV: id, the version that was read, name of this step, state, change, owner's token or '', 1 if final,
#       seconds of a final task, seconds of the user's keys, events kept, bell of the task, bell of the user
# Answers: 'done' | 'gone' | 'stale' (somebody else was faster: read again) | 'fenced' (another worker owns the task)
CHANGE = """
local stored = redis.call('HMGET', KEYS[1], 'version', 'step')
if not stored[1] then return 'gone' end
if stored[2] == ARGV[3] then return 'done' end
if ARGV[6] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[6] then return 'fenced' end
if stored[1] ~= ARGV[2] then return 'stale' end
redis.call('HSET', KEYS[1], 'state', ARGV[4], 'version', tonumber(ARGV[2]) + 1, 'step', ARGV[3])
if ARGV[7] == '1' then
    redis.call('HDEL', KEYS[1], 'input', 'grant')
    redis.call('EXPIRE', KEYS[1], ARGV[8])
    redis.call('ZREM', KEYS[3], ARGV[1])
    redis.call('SREM', KEYS[4], ARGV[1])
end
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[10], '*', 'task', ARGV[1], 'change', ARGV[5])
for _, key in ipairs({KEYS[4], KEYS[5], KEYS[6]}) do redis.call('EXPIRE', key, ARGV[9]) end
redis.call('PUBLISH', ARGV[11], '')
redis.call('PUBLISH', ARGV[12], '')
return 'done'
"""

# KEYS: stream · ARGV: seconds of the user's keys
# The last entry's id. An empty stream gets a mark first, so that each cursor is an entry, and one that is gone shows.
TAIL = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if #last > 0 then return last[1][1] end
local mark = redis.call('XADD', KEYS[1], '*', 'mark', '')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return mark
"""

# KEYS: owner · ARGV: token, milliseconds · 1 where the token now owns the task for so long
TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: owner · ARGV: token
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: begun, cancel · ARGV: seconds
# Either the worker sees this wish before it begins what must not be cut off, or it has begun that and is left alone.
CANCEL = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('SET', KEYS[2], '1', 'EX', ARGV[1])
return 1
"""
