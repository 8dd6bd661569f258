"""What the server does in one step. Every key that a script touches is told to it, and all lie in one slot of a
cluster."""

REPLACE = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'string' then
    return redis.error_reply('WRONGTYPE ' .. kind)
end
local old = ''
if kind == 'string' and redis.call('GETRANGE', KEYS[1], 0, #ARGV[4] - 1) == ARGV[4] then
    old = redis.call('GET', KEYS[1])
end
if old ~= ARGV[5] then
    return old
end
local new = tonumber(ARGV[3])
for i = 2, new + 1 do
    if redis.call('EXISTS', KEYS[i]) == 0 then
        return redis.error_reply('LOST a piece')
    end
end
for i = 2, new + 1 do
    if ARGV[2] == '0' then
        redis.call('PERSIST', KEYS[i])
    else
        redis.call('PEXPIRE', KEYS[i], ARGV[2])
    end
end
if ARGV[1] == '' then
    redis.call('DEL', KEYS[1])
elseif ARGV[2] == '0' then
    redis.call('SET', KEYS[1], ARGV[1])
else
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
for i = new + 2, #KEYS do
    redis.call('UNLINK', KEYS[i])
end
if kind == 'none' then
    return 0
end
return 1
"""
"""Puts an entry in the place of another, with its pieces, or removes it.

    KEYS    the entry, its new pieces, the pieces of the one before
    ARGV    the entry or nothing, milliseconds for which it is kept or 0 for ever, the number of new pieces,
            how an entry in pieces begins, and the one before where it was in pieces

It gives 1 or 0, whether there was one before; or, having done nothing, the one before as it is now.
"""

FORGET = """
for i = 2, #ARGV do
    local at = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if at and tonumber(at) < tonumber(ARGV[1]) then
        redis.call('ZREM', KEYS[1], ARGV[i])
        redis.call('ZREM', KEYS[2], ARGV[i])
    end
end
return 0
"""
"""Takes those of some keys out of the two lists of the index that were stored before a moment."""

FORGET_ENDED = """
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(ended) do
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZREM', KEYS[2], key)
end
return #ended
"""
"""Takes those out of both that are kept until before a moment, so many at most, and gives how many they were."""

CLAIM = """
local owner = redis.call('GET', KEYS[1])
if owner and string.sub(owner, 1, #ARGV[3]) ~= ARGV[3] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""Claims a key with a token, for so many milliseconds: 1, or 0 where a token is there that begins otherwise than
the owner's do."""

RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""
"""Keeps the claim with a token for so many milliseconds from now on."""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
"""
"""Lets go of the claim with a token."""
