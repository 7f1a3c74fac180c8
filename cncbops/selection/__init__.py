"""Which events of a lake are meant: by type, key, shard, time and filter pattern."""
