-- The version of the schema at KEYS[1]: the given one if there was none.
redis.call('SET', KEYS[1], argument(), 'NX')
return redis.call('GET', KEYS[1])
