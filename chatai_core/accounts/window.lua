-- One attempt in a sliding window. KEYS[1] the window; ARGV: attempts allowed, window in ms, a unique word.
-- Answers: 1 when allowed, attempts counted, ms until the oldest of them leaves the window.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local allowed, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local counted, granted = redis.call('ZCARD', KEYS[1]), 0
if counted < allowed then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  counted, granted = counted + 1, 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {granted, counted, oldest[2] + window - now}
