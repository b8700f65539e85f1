"""How samples are cut into frames, shuffled within the wait, or repeated changes nothing of what is said in the end."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.shard import from_arrays, to_arrays
from tests.make import attachments, frame, knowledge, sample, tick
from tests.streams.said import final

COUNT, SECONDS = 5, 150
PLAN = {slot: {7: 1 + slot % 3, 8: -1 if slot == 2 else 2} for slot in range(-1, 7)}
KNOWN = {"plan": PLAN, "terminals": {1: {"cell_id": 8}, 2: {"mobility": 2}, 3: {"service": 3}}}


def story(seed):
    """Return (second, kind, row) of a random life of a few terminals: losses, silences, restarts, tilts, handovers."""
    chance = random.Random(seed)
    told = []
    for terminal in range(COUNT):
        boot, sequence, second, satellite = 1, 0, 1, 1
        bad_until, off_until, lost_until, calm_until, off_deg = 0, 0, 0, 0, 0.0
        joins = chance.randrange(4) == 0
        second += chance.randrange(30) if joins else 0
        while second < SECONDS:
            due = 1 + (second // 30) % 3
            if satellite != due and chance.random() < 0.6:
                satellite = due
            elif chance.random() < 0.01:
                satellite = chance.randrange(1, 5)
            if chance.random() < 0.02 and second >= calm_until:
                bad_until = second + chance.randrange(1, 6)
            if chance.random() < 0.01:
                off_until, off_deg = second + chance.randrange(5, 60), chance.choice([8.0, 50.0])
            if chance.random() < 0.005:
                lost_until = second + chance.randrange(2, 12)
            bad = second < bad_until
            row = sample(
                second, terminal_index=terminal, boot_count=boot, sequence=sequence,
                state=chance.choice([1, 6, 7]) if bad else 1, pop_ping_drop_ratio=1.0 if bad else 0.0,
                serving_satellite_index=-1 if bad and chance.random() < 0.3 else satellite,
                gateway_index=chance.choice([1, 1, 1, 2]) if second % 30 == 0 else 1,
                boresight_elevation_deg=80.0 - (off_deg if second < off_until else 0.0),
                attitude_converged=0 if second < lost_until else 1,
                attitude_uncertainty_deg=chance.choice([2.0, 6.0]) if second < lost_until else 0.5,
            )  # fmt: skip
            sequence += 1
            if chance.random() > 0.03 or sequence == 1:
                told.append((second, "live", row))
            second += 1
            if chance.random() < 0.015:
                second, boot, sequence = _silence(chance, told, terminal, second, boot, sequence)
                # A trouble that begins before the ring has told of the last one settles it: then order counts.
                calm_until = second + 8
    return told


def _silence(chance, told, terminal, second, boot, sequence):
    if chance.random() < 0.5:
        lost = chance.randrange(1, 3)  # with the longest delay still under the threshold of silence
        return second + lost, boot, sequence + lost
    length = chance.randrange(14, 40)
    back = second + length
    if chance.random() < 0.5:
        # Whose gateway falls and holds others again within seconds, the log's order counts (decision 13).
        gateway, reason = chance.choice([(1, 0), (3, 2)])
        told.append((second + 3, "attach", (terminal, second + 1, 0, gateway, reason)))
        told.append((back - 3, "attach", (terminal, back - 3, 1)))
    stored = []
    if chance.random() < 0.5:
        states = chance.choice([[1], [6], [1, 1, 1, 6], [6, 6, 6, 7, 1]])
        stored = [
            sample(
                second + i, terminal_index=terminal, boot_count=boot, sequence=sequence + i, state=chance.choice(states)
            )
            for i in range(length)
        ]
    if chance.random() < 0.4:
        boot, sequence = boot + 1, 0
    else:
        sequence += length
    told += [(back + 5, "stored", row) for row in stored]
    return back, boot, sequence


def frames(told, *, chance=None, cut=1.0, delay_s=0.0, repeat=0.0):
    """Return the frames of a story: a tick each second, rows perhaps cut, delayed and repeated."""
    chance = chance or random.Random(0)
    at = {}
    for second, kind, row in told:
        late = chance.random() * delay_s if kind == "live" else 0.0
        at.setdefault(int(second + late), []).append((kind, row))
        if chance.random() < repeat:
            at.setdefault(int(second + late + chance.randrange(8)), []).append((kind, row))
    made = []
    for second in range(SECONDS + 60):
        rows = at.get(second, [])
        chance.shuffle(rows)
        parts = [[]]
        for each in rows:
            if parts[-1] and (parts[-1][-1][0] != each[0] or chance.random() < cut):
                parts.append([])
            parts[-1].append(each)
        made += [_frame(part, second) for part in parts if part] or [tick(second)]
    return made


def _frame(part, second):
    kind, rows = part[0][0], [row for _, row in part]
    if kind == "attach":
        return attachments(rows, second)
    return frame(rows, second, stored=kind == "stored")


SEEDS = st.integers(0, 10_000)
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@given(SEEDS)
@QUICK
def test_cutting_into_frames_changes_nothing(seed):
    told, known = story(seed), knowledge(COUNT, **KNOWN)
    whole = final(frames(told, cut=0.0), known)

    assert final(frames(told, cut=0.4, chance=random.Random(1)), known) == whole
    assert final(frames(told, cut=1.0, chance=random.Random(2)), known) == whole


@given(SEEDS)
@QUICK
def test_repeats_change_nothing(seed):
    told, known = story(seed), knowledge(COUNT, **KNOWN)

    assert final(frames(told, repeat=0.3, cut=0.3), known) == final(frames(told, cut=0.0), known)


@given(SEEDS)
@QUICK
def test_shuffling_within_the_wait_changes_nothing(seed):
    told, known = story(seed), knowledge(COUNT, **KNOWN)

    assert final(frames(told, delay_s=1.9, chance=random.Random(3)), known) == final(frames(told, cut=0.0), known)


@given(SEEDS)
@settings(QUICK, max_examples=4)
def test_a_snapshot_between_any_two_frames_changes_nothing(seed):
    told, known = story(seed), knowledge(COUNT, **KNOWN)
    made = frames(told, cut=0.3)

    assert final(made, known, between=lambda s: from_arrays(0, 1, to_arrays(s))) == final(made, known)


@pytest.mark.slow
def test_the_stories_are_worth_telling():
    """Invariance of nothing proves nothing."""
    spoken = {
        dict(row)["event_code"] for seed in range(30) for row in final(frames(story(seed)), knowledge(COUNT, **KNOWN))
    }

    assert spoken >= {1, 3, 4, 5, 6, 7, 8, 9, 10}
