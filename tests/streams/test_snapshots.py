"""Snapshots as records of a topic: whole, damaged, superseded, foreign."""

import numpy as np
import pytest

from ingest.contract.bus import Fatal
from streams.contract.snapshots import CHUNK_LIMIT_BYTES, MANIFEST_CHUNK, decode_manifest, read_snapshot_key
from streams.snapshots import Deployment, Shelf, cut, pack, unpack

DEPLOYMENT = Deployment(cluster_id="c", topic_id="t", partition_count=4, shard_count=16, state_versions={"handover": 1})


def arrays(seed=1, count=1000):
    rng = np.random.default_rng(seed)
    return {
        "handover.satellite": rng.integers(-1, 3000, count, dtype=np.int32),
        "outage.open": rng.random(count) < 0.5,
        "clock.at_ns": np.array(7, np.int64),
        "tilt.none": np.empty((0, 3), np.float32),
        "tilt.key": np.zeros(2, "V16"),
    }


def records(offset, *, seed=1, shard=5, count=1000, deployment=DEPLOYMENT):
    return cut(arrays(seed, count), deployment=deployment, shard=shard, source_offset=offset, clock_ns=9, generation=2)


def shelf_of(*batches):
    shelf = Shelf()
    for batch in batches:
        for key, value in batch:
            shelf.put(key, value)
    return shelf


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values.dtype == right[name].dtype
        np.testing.assert_array_equal(values, right[name])


def test_arrays_of_every_plain_type_and_shape_come_back_as_they_were():
    assert_same(unpack(pack(arrays())), arrays())


def test_no_arrays_come_back_as_none():
    assert unpack(pack({})) == {}


def test_arrays_that_come_back_can_be_written():
    unpack(pack(arrays()))["outage.open"][0] = True


def test_an_array_of_objects_is_refused():
    with pytest.raises(TypeError, match="names"):
        pack({"names": np.array(["a", None], object)})


def test_a_snapshot_is_cut_into_small_chunks_with_the_manifest_last():
    written = records(40, count=400_000)

    assert len(written) > 3
    assert all(len(value) <= CHUNK_LIMIT_BYTES for _, value in written)
    assert [read_snapshot_key(key)[2] for key, _ in written] == [*range(len(written) - 1), MANIFEST_CHUNK]
    assert decode_manifest(written[-1][1]).source_partition == 5 % 4


def test_a_snapshot_of_many_chunks_is_found_again():
    found = shelf_of(records(40, count=400_000)).newest(5, DEPLOYMENT)

    assert found.manifest.source_offset == 40
    assert_same(found.arrays, arrays(count=400_000))


def test_the_highest_source_offset_wins_whoever_wrote_last():
    found = shelf_of(records(90, seed=2), records(40, seed=1)).newest(5, DEPLOYMENT)

    assert found.manifest.source_offset == 90
    assert_same(found.arrays, arrays(seed=2))


def test_a_snapshot_without_its_manifest_does_not_exist():
    found = shelf_of(records(40), records(90)[:-1]).newest(5, DEPLOYMENT)

    assert found.manifest.source_offset == 40


def test_a_snapshot_with_a_chunk_of_another_does_not_exist():
    mixed = [*records(90, seed=1), records(90, seed=2)[0]]

    assert shelf_of(records(40), mixed).newest(5, DEPLOYMENT).manifest.source_offset == 40


def test_a_snapshot_that_lacks_a_chunk_does_not_exist():
    torn = records(90, count=400_000)
    del torn[1]

    assert shelf_of(torn).newest(5, DEPLOYMENT) is None


def test_a_buried_snapshot_is_gone():
    shelf = shelf_of(records(40), records(90), [(key, None) for key, _ in records(90)])

    assert shelf.newest(5, DEPLOYMENT).manifest.source_offset == 40


def test_a_shard_that_was_never_kept_has_no_snapshot():
    assert shelf_of(records(40)).newest(6, DEPLOYMENT) is None


def test_a_record_with_a_foreign_key_is_passed_over():
    shelf = shelf_of(records(40))
    shelf.put(b"somebody else's", b"value")

    assert shelf.newest(5, DEPLOYMENT).manifest.source_offset == 40


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cluster_id", "another"),
        ("topic_id", "created anew"),
        ("partition_count", 8),
        ("shard_count", 32),
        ("state_versions", {"handover": 2}),
    ],
)
def test_a_snapshot_of_another_deployment_is_fatal_and_says_what_differs(name, value):
    theirs = Deployment(**{field: getattr(DEPLOYMENT, field) for field in DEPLOYMENT.__struct_fields__} | {name: value})

    with pytest.raises(Fatal, match=name):
        shelf_of(records(40, deployment=theirs)).newest(5, DEPLOYMENT)


def test_everything_held_of_a_shard_is_to_be_buried_manifests_first():
    shelf = shelf_of(records(40), records(90)[:-1], records(70, shard=6))

    chunks = [read_snapshot_key(key) for key in shelf.keys(5)]
    assert chunks == [(5, 40, MANIFEST_CHUNK), (5, 40, 0), (5, 90, 0)]
