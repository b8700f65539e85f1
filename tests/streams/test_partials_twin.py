"""The partials of a shard come to what its slow twin adds up."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.contract.instants import NS_PER_S
from streams.shard import new_state, step
from streams.thresholds import Thresholds
from tests.make import START_NS, attachment, attachments, frame
from tests.reference.partials import ReferenceAccounts
from tests.streams.partial_sums import add_up
from tests.streams.test_shard_twin import SECONDS, SHARD, SHARD_COUNT, World

HEADER = {"shard": SHARD, "shard_count": SHARD_COUNT}
# A window is said 30 s after its end, a suspicion is settled 30 s after the return, a correction waits for ten.
QUIET_S = 130


class AccountedWorld(World):
    """A world whose terminals count bytes, land at several PoPs, and lose their door for a while."""

    # Of a slower one the twin gives the seconds before its first sample to nobody, and the sums to who served it then.
    cadences_s = (1.0, 5.0)

    def __init__(self, seed):
        super().__init__(seed)
        chance = random.Random(seed)
        self.producer = dict.fromkeys(range(SECONDS + QUIET_S), "door-1")
        if chance.random() < 0.5:
            gone = chance.randrange(40, SECONDS)
            self.frames = [told for told in self.frames if not gone <= told[1] < gone + 25]
            self.away = range(gone, gone + 25)
        else:
            self.away = range(0)
        for _, _, rows, _ in self.frames:
            for row in rows:
                if isinstance(row, dict):
                    number = row["sequence"] + 1000 * row["boot_count"] + row["terminal_index"]
                    row["downlink_bytes_total"] = row["sequence"] % 90 * 5_000 + number * 7919 % 4_000
                    row["uplink_bytes_total"] = row["sequence"] * 300 + number * 31 % 300
                    row["pop_index"] = number // 50 % 3 if row["gateway_index"] >= 0 else -1

    def told(self):
        """Yield (kind, producer, received second, rows, stored), with another door that never falls silent."""
        by_second = {}
        for kind, received, rows, stored in self.frames:
            by_second.setdefault(int(received), []).append((kind, "door-1", received, rows, stored))
        for second in range(SECONDS + QUIET_S):
            yield "terminal", "door-2", second + 0.05, [], False
            if second not in self.away:
                yield from by_second.get(second, [("terminal", "door-1", second + 0.1, [], False)])


def by_arrays(world):
    state, said = new_state(SHARD, SHARD_COUNT), []
    for kind, producer, received, rows, stored in world.told():
        make = attachments if kind == "attachment" else frame
        told = make(rows, received, producer=producer, stored=stored, **HEADER)
        state, findings = step(state, told, world.knowledge)
        said += findings.partials
    return said


def by_twin(world):
    twin = ReferenceAccounts(world.terminals, world.reference_plan(), Thresholds())
    for kind, producer, received, rows, stored in world.told():
        told = rows if kind == "terminal" else [attachment(*row) for row in rows]
        twin.frame(kind, producer, START_NS + round(received * NS_PER_S), told, stored=stored)
    return twin.totals()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_the_partials_come_to_what_the_twin_adds_up(seed):
    world = AccountedWorld(seed)

    assert add_up(by_arrays(world)) == by_twin(world)


def test_the_worlds_of_this_test_have_every_kind_of_second_and_corrections():
    said = [partial for seed in range(6) for partial in by_arrays(AccountedWorld(seed))]
    words = {word for total in add_up(said).values() for word in total}

    assert words >= {"good", "bad", "expected", "unknown", "handovers_count", "downlink_bytes", "rtt_us"}
    assert max(header.revision for header, _ in said) > 2
