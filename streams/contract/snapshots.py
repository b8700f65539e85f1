"""A shard's snapshot: its state arrays in chunks, and the manifest that makes them whole; the resume point of a partition."""

import msgspec

CHUNK_LIMIT_BYTES = 512 * 1024


class SnapshotManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Written last; a snapshot without its manifest does not exist.

    Attributes:
        cluster_id, topic_id: Of the source; a snapshot of another cluster or of a re-created topic is Fatal.
        partition_count, shard_count: Of the deployment; others are Fatal.
        shard: Whose state.
        source_partition, source_offset: The last frame that is in the state; reading goes on behind it.
        clock_ns: The shard's log time.
        generation: The group generation that wrote it.
        chunk_count, byte_count, blake2b: Of the chunks together.
        state_versions: Version of each part of the state; a part of another version is Fatal.
    """

    cluster_id: str
    topic_id: str
    partition_count: int
    shard_count: int
    shard: int
    source_partition: int
    source_offset: int
    clock_ns: int
    generation: int
    chunk_count: int
    byte_count: int
    blake2b: str
    state_versions: dict[str, int]


encode_manifest = msgspec.json.Encoder().encode
decode_manifest = msgspec.json.Decoder(SnapshotManifest).decode

MANIFEST_CHUNK = 0xFFFF


def snapshot_key(shard: int, source_offset: int, chunk: int) -> bytes:
    """Write the key of a chunk, or of the manifest (chunk `MANIFEST_CHUNK`)."""
    return shard.to_bytes(4, "big") + source_offset.to_bytes(8, "big", signed=True) + chunk.to_bytes(2, "big")


def read_snapshot_key(key: bytes) -> tuple[int, int, int]:
    """Read shard, source offset and chunk."""
    return (
        int.from_bytes(key[:4], "big"),
        int.from_bytes(key[4:12], "big", signed=True),
        int.from_bytes(key[12:], "big"),
    )
