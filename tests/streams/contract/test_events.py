"""An event's key is a pure function of what it says: the same words give the same key, for ever."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.contract.events import ENDPOINTS, event_id, event_keys, pack_chain, unpack_chain
from streams.contract.incidents import INCIDENT_LIMIT_BYTES, SAMPLE_COUNT, Incident, encode_incident
from streams.contract.snapshots import read_snapshot_key, snapshot_key
from streams.contract.vocabulary import OutageCause
from tests.ingest.contract.golden import records
from tests.make import START_NS


def said(**changes):
    event = {
        "event_code": 1, "subject_kind": 0, "subject_index": 5, "started_at_ns": START_NS, "from_satellite_index": 3,
        "to_satellite_index": 4, **changes,
    }  # fmt: skip
    return {name: np.array([value]) for name, value in event.items()}


def key(**changes):
    return bytes(event_keys(said(**changes))[0]).hex()


def test_the_key_of_one_event_is_what_it_has_always_been():
    assert key() == "4badf186a251885d18bf2e6a092849c3"


def test_whatever_an_event_is_identified_by_changes_its_key():
    changes = [
        {"event_code": 2}, {"subject_kind": 2}, {"subject_index": 6}, {"started_at_ns": START_NS + 1},
        *({f"{side}_{end}": 77} for side in ("from", "to") for end in ENDPOINTS),
    ]  # fmt: skip
    keys = [key(), *(key(**change) for change in changes)]

    assert len(set(keys)) == len(keys)


def test_what_does_not_identify_an_event_leaves_its_key():
    assert key(duration_s=3.5, conformance=2) == key()


def test_the_id_is_the_key_and_the_revision():
    assert event_id(bytes(16), 3) == "0" * 32 + ".3"


@given(st.lists(st.sampled_from(list(OutageCause)), max_size=12))
def test_a_chain_of_causes_survives_the_round_trip(causes):
    packed = pack_chain(causes)

    assert unpack_chain(packed) == causes
    assert packed < 2**60


def test_every_cause_fits_its_five_bits_and_a_longer_chain_keeps_its_beginning():
    assert max(OutageCause) + 1 < 32
    assert unpack_chain(pack_chain([OutageCause.POWER, *[OutageCause.BOOTING] * 20])) == [
        OutageCause.POWER, *[OutageCause.BOOTING] * 11,
    ]  # fmt: skip


@given(st.integers(0, 65_535), st.integers(-1, 2**62), st.integers(0, 0xFFFF))
def test_a_snapshot_s_key_survives_the_round_trip(shard, source_offset, chunk):
    assert read_snapshot_key(snapshot_key(shard, source_offset, chunk)) == (shard, source_offset, chunk)


def test_an_incident_with_its_full_sample_of_ids_is_far_below_its_limit():
    incident = dict(records())["incident"]
    full = Incident(**{
        **{name: getattr(incident, name) for name in incident.__struct_fields__}, "terminal_ids": ["t" * 64] * SAMPLE_COUNT,
    })  # fmt: skip

    assert len(encode_incident(full)) < INCIDENT_LIMIT_BYTES / 10
