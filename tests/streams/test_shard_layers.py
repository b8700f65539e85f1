"""Rows in the order of their places are judged as slices or by rising places, all others are sorted: the words are the same."""

import math
import random

import numpy as np
import pytest

from ingest.contract.columns import take
from ingest.contract.frame import Frame
from streams.sequencer import admit, new_state
from streams.shard import to_arrays
from tests.make import frame, knowledge, sample
from tests.streams.said import final, said

COUNT, SECONDS, ONE_IN_EIGHT = 6, 150, [0, 0, 0, 0, 0, 0, 0, 1]
PLAN = {slot: {7: 1 + slot % 3, 8: -1 if slot == 2 else 2} for slot in range(-1, 7)}
FIELDS = {1: {"cell_id": 8}, 2: {"mobility": 2}, 3: {"service": 3}, 4: {"aligned_tilt_deg": None}}


def whole_frames(seed):
    """Return a frame a second in which every terminal speaks in order: handovers, outages, falls, readings left out."""
    chance = random.Random(seed)
    satellites, bad_until, off_until = [1] * COUNT, [0] * COUNT, [0] * COUNT
    made = []
    for second in range(SECONDS):
        rows = []
        for terminal in range(COUNT):
            if second % 30 == 0 or chance.random() < 0.02:
                satellites[terminal] = chance.choice(
                    [1 + (second // 30) % 3, 1 + (second // 30) % 3, chance.randrange(5)]
                )
            if chance.random() < 0.02:
                bad_until[terminal] = second + chance.randrange(1, 8)
            if chance.random() < 0.01:
                off_until[terminal] = second + chance.randrange(20, 60)
            bad = second < bad_until[terminal]
            row = sample(
                second - chance.choice([0, 0.1]), terminal_index=terminal, sequence=second,
                serving_satellite_index=-1 if chance.choice(ONE_IN_EIGHT) else satellites[terminal],
                gateway_index=-1 if chance.choice(ONE_IN_EIGHT) else 1 + satellites[terminal] % 2,
                pop_ping_latency_ms=math.nan if chance.choice(ONE_IN_EIGHT) else 30.0 + chance.randrange(5),
                pop_ping_drop_ratio=1.0 if bad else 0.0, state=chance.choice([1, 7]) if bad else 1,
                boresight_elevation_deg=80.0 - (40.0 if second < off_until[terminal] else 0.0),
                attitude_converged=0 if chance.choice(ONE_IN_EIGHT) else 1,
            )  # fmt: skip
            rows.append(row)
        made.append(frame(rows, second))
    return made


def reordered(frames, rows):
    return [Frame(each.header, each.layout, take(each.columns, rows), len(rows)) for each in frames]


def in_pieces(frames):
    return [part for each in frames for rows in ((0, 2, 5), (1, 3, 4)) for part in reordered([each], np.array(rows))]


def numbered(arrays):
    """Return a state whose groups have the numbers of their order, and not of their coming."""
    order = np.argsort(arrays["accounts.ledger.groups"])
    number = np.append(np.argsort(order), -1)
    renumbered = {
        name: number[values]
        for name, values in arrays.items()
        if name.startswith("accounts.service.ended") or name.endswith(("measures.group", "high_group"))
    }
    by_group = {
        f"accounts.ledger.{name}": arrays[f"accounts.ledger.{name}"][:, order]
        for name in ("sums", "least_ms", "most_ms")
    }
    return arrays | renumbered | by_group | {"accounts.ledger.groups": np.sort(arrays["accounts.ledger.groups"])}


@pytest.mark.parametrize("seed", range(4))
def test_whole_frames_pieces_of_them_and_unsorted_ones_say_the_same_and_leave_the_same_state(seed):
    frames, known = whole_frames(seed), knowledge(COUNT, plan=PLAN, terminals=FIELDS)
    backwards = reordered(frames, np.arange(COUNT)[::-1])
    whole_words, whole_state = final(frames, known), numbered(to_arrays(said(frames, known)[1]))

    assert {dict(row)["event_code"] for row in whole_words} >= {1, 4, 5}
    for others in (in_pieces(frames), backwards):
        assert final(others, known) == whole_words
        arrays = numbered(to_arrays(said(others, known)[1]))
        for name, values in whole_state.items():
            np.testing.assert_array_equal(arrays[name], values, err_msg=name)


def test_a_terminal_that_never_speaks_changes_nothing_of_the_others():
    """With it in the inventory no frame is a whole shard; it is not commissioned, or it would be missed."""
    frames = whole_frames(1)

    apart = knowledge(COUNT + 1, plan=PLAN, terminals={**FIELDS, COUNT: {"aligned_tilt_deg": None}})

    assert final(frames, apart) == final(frames, knowledge(COUNT, plan=PLAN, terminals=FIELDS))


@pytest.mark.parametrize(("places", "expected"), [
    (slice(None), slice(None)), ([1, 3], [1, 3]), ([2, 1], [1, 2]), ([3, 0, 1, 2], [0, 1, 2, 3]),
])  # fmt: skip
def test_samples_that_follow_go_on_in_one_layer_whatever_their_order(places, expected):
    state, at = new_state(4), places if isinstance(places, slice) else np.array(places)
    mine = np.arange(4)[at]

    def rows(sequence):
        count = len(mine)
        return {"boot_count": np.ones(count, int), "sequence": np.full(count, sequence), "mine": mine}

    state, _ = admit(state, {**rows(0)}, at, 0, 0)
    state, _ = admit(state, {}, np.empty(0, int), 1, 0)
    _, admitted = admit(state, rows(1), at, 1, 0)
    (layer,) = admitted.layers

    assert layer.place == expected if isinstance(expected, slice) else layer.place.tolist() == expected
    assert layer.columns["mine"].tolist() == sorted(mine)
    assert layer.adjacent.all()
    assert not layer.rebooted.any()


def test_a_tick_lets_nothing_go_before_its_wait_is_over():
    state, columns = new_state(2), {"boot_count": np.array([1]), "sequence": np.array([5])}
    place = np.array([1])
    state, _ = admit(state, columns, place, 0, 10)
    state, _ = admit(state, {}, np.empty(0, int), 11, 10)
    state, held = admit(state, {**columns, "sequence": np.array([7])}, place, 100, 10)

    assert not held.layers
    for clock_ns, count in ((110, 0), (111, 1)):
        assert len(admit(state, {}, np.empty(0, np.int64), clock_ns, 10)[1].layers) == count
