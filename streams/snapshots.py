"""Snapshots as records: state arrays cut into chunks under a manifest, and put together again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import msgspec
import numpy as np
import pyarrow as pa

from ingest.contract.bus import Fatal
from ingest.contract.columns import Array
from streams.contract.snapshots import (
    CHUNK_LIMIT_BYTES,
    MANIFEST_CHUNK,
    SnapshotManifest,
    decode_manifest,
    encode_manifest,
    read_snapshot_key,
    snapshot_key,
)

_KEY_BYTES = len(snapshot_key(0, 0, 0))
_CODEC = "lz4"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot must agree with before it is believed."""

    cluster_id: str
    topic_id: str
    partition_count: int
    shard_count: int
    state_versions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole one."""

    manifest: SnapshotManifest
    arrays: dict[str, Array]


class _Contents(msgspec.Struct, frozen=True, array_like=True):
    """What stands in front of the arrays' bytes."""

    byte_count: int
    arrays: list[tuple[str, str, list[int]]]


def pack(arrays: Mapping[str, Array]) -> bytes:
    """Write arrays of any plain type and shape as bytes."""
    contents: list[tuple[str, str, list[int]]] = []
    parts: list[bytes] = []
    for name, values in arrays.items():
        if values.dtype.hasobject or values.dtype.names:
            raise TypeError(f"{name} is {values.dtype}: a snapshot holds plain arrays only")
        contents.append((name, values.dtype.str, list(values.shape)))
        parts.append(values.tobytes())
    body = b"".join(parts)
    front = msgspec.msgpack.encode(_Contents(len(body), contents))
    packed: bytes = pa.compress(body, codec=_CODEC, asbytes=True) if body else b""
    return len(front).to_bytes(4, "big") + front + packed


def unpack(value: bytes) -> dict[str, Array]:
    """Read what `pack` wrote; the arrays are writable and own their memory."""
    front_end = 4 + int.from_bytes(value[:4], "big")
    contents = msgspec.msgpack.decode(value[4:front_end], type=_Contents)
    body = b""
    if contents.byte_count:
        body = pa.decompress(value[front_end:], contents.byte_count, codec=_CODEC, asbytes=True)
    arrays: dict[str, Array] = {}
    start = 0
    for name, dtype, shape in contents.arrays:
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(body, np.dtype(dtype), count, start).reshape(shape).copy()
        start += count * np.dtype(dtype).itemsize
    return arrays


def cut(
    arrays: Mapping[str, Array],
    *,
    deployment: Deployment,
    shard: int,
    source_offset: int,
    clock_ns: int,
    generation: int,
) -> list[tuple[bytes, bytes]]:
    """Return the records of a snapshot, the manifest last."""
    whole = pack(arrays)
    edges = [*range(0, len(whole), CHUNK_LIMIT_BYTES), len(whole)]
    chunks = [whole[start:end] for start, end in pairwise(edges)]
    manifest = SnapshotManifest(
        cluster_id=deployment.cluster_id,
        topic_id=deployment.topic_id,
        partition_count=deployment.partition_count,
        shard_count=deployment.shard_count,
        shard=shard,
        source_partition=shard % deployment.partition_count,
        source_offset=source_offset,
        clock_ns=clock_ns,
        generation=generation,
        chunk_count=len(chunks),
        byte_count=len(whole),
        blake2b=blake2b(whole, digest_size=16).hexdigest(),
        state_versions=deployment.state_versions,
    )
    records = [(snapshot_key(shard, source_offset, number), chunk) for number, chunk in enumerate(chunks)]
    return [*records, (snapshot_key(shard, source_offset, MANIFEST_CHUNK), encode_manifest(manifest))]


class Shelf:
    """Collects the records of snapshots as they stand in the topic, in any number and any state of completeness."""

    def __init__(self) -> None:
        self._piles: defaultdict[int, defaultdict[int, dict[int, bytes]]] = defaultdict(lambda: defaultdict(dict))

    def put(self, key: bytes, value: bytes | None) -> None:
        """Take a record in; a tombstone takes it out again."""
        if len(key) != _KEY_BYTES:
            return
        shard, offset, chunk = read_snapshot_key(key)
        if value is None:
            self._piles[shard][offset].pop(chunk, None)
        else:
            self._piles[shard][offset][chunk] = value

    def newest(self, shard: int, deployment: Deployment) -> Snapshot | None:
        """Return the whole snapshot of a shard with the highest source offset.

        Raises:
            Fatal: It is of another deployment.
        """
        for offset in sorted(self._piles[shard], reverse=True):
            manifest = _whole(self._piles[shard][offset])
            if manifest is not None:
                _refuse_foreign(manifest, deployment)
                chunks = self._piles[shard][offset]
                return Snapshot(manifest, unpack(b"".join(chunks[number] for number in range(manifest.chunk_count))))
        return None

    def keys(self, shard: int) -> list[bytes]:
        """Return the keys of everything that is held of a shard, manifests first: what to bury once it is superseded."""
        found = [
            (chunk != MANIFEST_CHUNK, offset, chunk) for offset, pile in self._piles[shard].items() for chunk in pile
        ]
        return [snapshot_key(shard, offset, chunk) for _, offset, chunk in sorted(found)]


def _whole(pile: Mapping[int, bytes]) -> SnapshotManifest | None:
    if MANIFEST_CHUNK not in pile:
        return None
    manifest = decode_manifest(pile[MANIFEST_CHUNK])
    digest = blake2b(digest_size=16)
    for number in range(manifest.chunk_count):
        digest.update(pile.get(number, b""))
    return manifest if digest.hexdigest() == manifest.blake2b else None


def _refuse_foreign(manifest: SnapshotManifest, deployment: Deployment) -> None:
    for name in deployment.__struct_fields__:
        theirs, ours = getattr(manifest, name), getattr(deployment, name)
        if theirs != ours:
            raise Fatal(
                f"the snapshot of shard {manifest.shard} at offset {manifest.source_offset} has {name} {theirs!r}, "
                f"this deployment has {ours!r}: delete the snapshots to begin anew, or mend the deployment"
            )
