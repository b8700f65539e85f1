"""The step over arrays finds what the slow twin finds, word for word."""

import math
import random

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.contract.columns import row_count
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import MobilityClass, ServiceClass
from streams.contract.catalogue import KIND_BY_CODE
from streams.contract.events import event_keys
from streams.shard import new_state, step
from streams.thresholds import Thresholds
from tests.make import SAMPLE, SLOT_NS, START_NS, attachment, attachments, frame, knowledge, sample
from tests.reference.shard import ReferencePlan, ReferenceShard

SECONDS = 200
SHARD, SHARD_COUNT = 1, 2
# What depends on when a thing was decided, and not on what it is.
NOT_CONTENT = {"event_key", "decided_at_ns", "revision"}


class World:
    """A seeded stretch of telemetry of one shard, as (kind, received second, rows, stored)."""

    cadences_s = (1.0, 5.0, 5.0, 40.0)

    def __init__(self, seed):
        rng = random.Random(seed)
        self.rng = rng
        kinds = [
            {"cadence_s": rng.choice(self.cadences_s)},
            {"service": ServiceClass.CRITICAL_OT},
            {"mobility": MobilityClass.LAND},
            {"aligned_tilt_deg": None},
        ]
        mine = range(SHARD, 8, SHARD_COUNT)
        self.fields = {i: {"cell_id": i % 3, **more} for i, more in zip(mine, kinds, strict=True)}
        self.slots = range(-1, SECONDS // 30 + 3)
        self.planned = {slot: [rng.choice([*range(6), *range(6), -1]) for _ in range(3)] for slot in self.slots}
        for slot in rng.sample(list(self.slots), rng.choice([0, 0, 1])):
            del self.planned[slot]
        plan = {slot: dict(enumerate(satellites)) for slot, satellites in self.planned.items()}
        self.knowledge = knowledge(8, shard_count=SHARD_COUNT, plan=plan, terminals=self.fields)
        self.terminals = self.knowledge.inventory.terminals[SHARD::SHARD_COUNT]
        self.frames = self._frames()

    def _frames(self):
        by_second = {}
        stored = {}
        attached = {}
        for terminal in self.terminals:
            self._terminal(terminal, by_second, stored, attached)
        frames = []
        for second in range(SECONDS):
            for rows, kind, is_stored in (
                (attached.get(second, []), "attachment", False),
                (by_second.get(second, []), "terminal", False),
                (stored.get(second, []), "terminal", True),
            ):
                if rows or (kind == "terminal" and not is_stored):
                    frames.append((kind, second + 0.1, rows, is_stored))
        return frames

    def _terminal(self, terminal, by_second, stored, attached):
        rng, index = self.rng, terminal.terminal_index
        boot, sequence = 1, 0
        first = rng.choice([0, 0, 3, 7, 20, 90])
        serving = None
        silences = self._silences(first)
        bad = self._stretches(0.02, [1, 1, 2, 3, 5, 12])
        off = self._stretches(0.006, [6, 12, 40])
        loose = self._stretches(0.006, [3, 8, 25])
        tilt = rng.choice([3.0, 12.0, 45.0])
        unseen = self._before(index, first) if first else []
        attached_now = True
        trouble = self._stretches(0.08, [1, 1, 2, 3, 6])
        cadence = round(terminal.cadence_s)
        for second in range(first, SECONDS, cadence):
            silence = next((s for s in silences if s[0] <= second < s[1]), None)
            if silence and silence[2] == "power":
                if second == silence[1] - 1:
                    boot, sequence = boot + 1, 0
                if silence[3] and second == silence[0] + 1:
                    attached.setdefault(second, []).append((index, second, 0, *self._let_go()))
                    attached_now = False
                continue
            cell = index % 3
            slot = second // 30
            if serving is None or rng.random() < 0.02 or (second % 30 // cadence == rng.choice([0, 0, 0, 1, 3])):
                target = self.planned.get(slot, [0, 1, 2])[cell]
                target = rng.choice([target] * 8 + [rng.randrange(6), -1])
                serving = (target, rng.randrange(2), rng.randrange(2), 0)
            lost_state = rng.choice([9, 8, 7])
            row = SAMPLE | sample(
                second, terminal_index=index, boot_count=boot, sequence=sequence,
                serving_satellite_index=serving[0], beam_id=serving[1] if serving[0] >= 0 else -1,
                gateway_index=serving[2] if serving[0] >= 0 else -1,
                pop_ping_latency_ms=rng.choice([30.0, 31.5, math.nan]),
                pop_ping_drop_ratio=rng.choice([0.5, 1.0]) if second in bad else rng.choice([0.0, 0.1]),
                state=lost_state if second in bad and rng.random() < 0.7 else 1,
                boresight_elevation_deg=80.0 - (tilt if second in off else rng.choice([0.0, 1.0])),
                attitude_converged=int(second not in loose),
                attitude_uncertainty_deg=rng.choice([0.5, 2.0, 6.0]) if second in loose else 0.5,
            )  # fmt: skip
            sequence += 1
            if silence:
                if silence[3] and second == silence[0] + 1:
                    attached.setdefault(second, []).append((index, second, 0, *self._let_go()))
                    attached_now = False
                if silence[2] != "told" and rng.random() > 0.1:
                    is_bad = silence[2] == "bad" or (silence[2] == "mixed" and second in trouble)
                    unseen.append({**row, "state": rng.choice([7, 7, 7, 8]) if is_bad else 1})
                continue
            if not attached_now:
                attached.setdefault(second, []).append((index, second, 1, serving[2]))
                attached_now = True
            if unseen and rng.random() < 0.3:
                stored.setdefault(second, []).extend(unseen)
                unseen = []
            if rng.random() < 0.01:
                continue
            by_second.setdefault(second, []).append(row)

    def _let_go(self):
        return self.rng.randrange(2), self.rng.choice([0, 0, 2])

    def _before(self, index, first):
        """What a terminal that was never heard kept of the time before."""
        bad = self._stretches(0.05, [3, 9, 20])
        since, boots_s = self.rng.choice([(61, 0), (61, 0), (100 + first // 2, 10)])
        boots = range(since, since + boots_s)
        kept = []
        for s in range(since, 100 + first):
            state = 2 if s in boots else 6 if s in bad else 1
            kept.append(SAMPLE | sample(s - 100, terminal_index=index, boot_count=0, state=state, sequence=s))
        return kept

    def _silences(self, first):
        """Long and short ones, far apart: what lies near a threshold depends on when a sample came."""
        rng, silences = self.rng, []
        second = first + rng_gap(rng)
        while second < SECONDS - 20:
            length = rng.choice([14, 20, 35])
            silences.append(
                (
                    second,
                    second + length,
                    rng.choice(["power", "bad", "good", "told", "mixed", "mixed"]),
                    rng.random() < 0.5,
                )
            )
            second += length + 40
            if rng.random() < 0.5:
                silences.append(
                    (second, second + rng.choice([1, 2, 3]), rng.choice(["bad", "bad", "good", "mixed"]), False)
                )
                second += 40
            second += rng_gap(rng)
        return silences

    def _stretches(self, rate, lengths):
        rng, seconds = self.rng, set()
        for second in range(SECONDS):
            if rng.random() < rate:
                seconds |= set(range(second, second + rng.choice(lengths)))
        return seconds

    def reference_plan(self):
        def row(satellites):
            return lambda terminal: {
                "satellite_index": satellites[terminal % 3], "beam_id": 0, "gateway_index": 1, "pop_index": 0,
            }  # fmt: skip

        return ReferencePlan({START_NS + slot * SLOT_NS: row(s) for slot, s in self.planned.items()}, SLOT_NS)


def rng_gap(rng):
    return rng.choice([20, 50, 90])


def vectorised(world):
    """Return the final events by key: (revision, content)."""
    state = new_state(SHARD, SHARD_COUNT)
    final = {}
    for kind, received, rows, stored in world.frames:
        header = {"shard": SHARD, "shard_count": SHARD_COUNT, "stored": stored}
        told = attachments(rows, received, **header) if kind == "attachment" else frame(rows, received, **header)
        state, findings = step(state, told, world.knowledge)
        keep(final, findings.events)
    return final


def is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def keep(final, events):
    for row in range(row_count(events)):
        content = {"kind": KIND_BY_CODE[int(events["event_code"][row])].kind}
        for name, values in events.items():
            value = values[row].item() if name != "event_key" else None
            missing = value is None or is_nan(value) or value == -1
            if name not in NOT_CONTENT and name not in ("event_code", "subject_kind") and not missing:
                content[name] = round(value, 1) + 0.0 if isinstance(value, float) else value
        key, revision = bytes(events["event_key"][row]), int(events["revision"][row])
        if key not in final or revision > final[key][0]:
            final[key] = revision, content
        else:
            assert final[key] == (revision, content), "one key and revision, two contents"


def by_twin(world):
    """Return the final events of the slow twin, in the same form."""
    twin = ReferenceShard(world.terminals, world.reference_plan(), Thresholds())
    for kind, received, rows, stored in world.frames:
        told = rows
        if kind == "attachment":
            told = [attachment(*row) for row in rows]
        twin.frame(kind, "door-1", START_NS + round(received * NS_PER_S), told, stored=stored)
    final = {}
    for event in twin.events:
        columns = {
            "event_code": np.array([code for code, entry in KIND_BY_CODE.items() if entry.kind == event["kind"]]),
            "subject_kind": np.array([0]),
            **{name: np.array([value]) for name, value in event.items() if name != "kind"},
        }
        content = {"kind": event["kind"]}
        for name, value in event.items():
            if name in ("kind", "revision") or is_nan(value) or value == -1:
                continue
            content[name] = round(value, 1) + 0.0 if isinstance(value, float) else int(value)
        final[bytes(event_keys(columns)[0])] = event["revision"], content
    return final


def readable(final):
    return sorted(str((revision, sorted(content.items()))) for revision, content in final.values())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
@example(1)  # a terminal that measures every five seconds, on time and late
@example(9)  # one that measures less often than slots change
def test_the_arrays_find_what_the_twin_finds(seed):
    world = World(seed)

    assert readable(vectorised(world)) == readable(by_twin(world))


def test_the_worlds_of_this_test_hold_every_first_kind_that_a_terminal_can_cause():
    kinds = {content["kind"] for seed in range(12) for _, content in vectorised(World(seed)).values()}

    assert kinds >= {
        "handover", "outage_suspected", "outage_started", "outage_ended", "outage_withdrawn", "tilt_warning",
        "tilt_critical", "tilt_disturbed", "tilt_restored",
    }  # fmt: skip
