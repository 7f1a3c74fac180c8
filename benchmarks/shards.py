"""Where Kinesis puts a record: its shard by the key's MD5, its sequence number by its turn."""

import hashlib

_HASHES = 1 << 128


def shard_of(partition_key: str, shards: int) -> int:
    """The shard whose even part of the hash range holds the key's MD5, as Kinesis splits a new stream."""
    digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest) * shards // _HASHES


def shard_id(shard: int) -> str:
    """The shard's name."""
    return f"shardId-{shard:012d}"


def sequence_number(number: int, shard: int) -> str:
    """56 digits that rise with the number of the event, so within each shard too."""
    return f"49646123{number:028d}{shard * 16 + 2:020d}"
