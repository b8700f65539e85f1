"""What is remembered of each terminal's outages, and what the rest of the shard knows when they are judged."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import MISSING, Array
from streams.detectors import ring
from streams.detectors.tilt import TiltState
from streams.knowledge import Knowledge, ShardFacts

NEVER = np.iinfo(np.int64).min
GOOD, SUSPECTED, OUT = range(3)
# As what a trouble waits for its ring, or goes on: nobody was told of it, it was suspected, it was told as an outage.
UNSAID, SUSPICION, OUTAGE = range(3)


class OutageState(msgspec.Struct, frozen=True, eq=False):
    """What is remembered of each terminal, by place; instants are `NEVER` where there is none.

    Attributes:
        heard_ns: Log time at which anything live came from it.
        observed_ns: Observed time of the last sample that went on.
        phase: GOOD, SUSPECTED or OUT.
        start_ns: Start of the trouble, and of the last one while its ring may still tell.
        bad_since_ns, bad_chain: Start and causes of the bad run before an outage.
        good_since_ns: Start of the good run that may end an outage.
        chain, repeats: Causes of the trouble in order, and how often one came again after a good second.
        context: What explains the trouble from outside; -1 for nothing, -2 while its gateway has not been asked: that
            waits for the clock to move, as records and samples of one moment come in any order.
        detached, expected, satellite, gateway: As they were said at the start.
        boot_count, booted: Boot count at the start, and after a boot since; -1 for none.
        is_heard: 1 if bad samples heard live opened the outage: then its start and end are known.
        told_as: UNSAID, SUSPICION or OUTAGE.
        attached, attached_at_ns, attached_gateway, detach_reason: The newest attachment record; -1 for none.
        end_ns: End of the last trouble.
        settle_at_ns: Log time at which the ring's word is taken as all; `NEVER` while nothing waits for it.
        told: What rings have told of open gaps and of those that wait, as runs.
    """

    heard_ns: Array
    observed_ns: Array
    phase: Array
    start_ns: Array
    bad_since_ns: Array
    bad_chain: Array
    good_since_ns: Array
    chain: Array
    repeats: Array
    context: Array
    detached: Array
    expected: Array
    satellite: Array
    gateway: Array
    boot_count: Array
    booted: Array
    is_heard: Array
    told_as: Array
    attached: Array
    attached_at_ns: Array
    attached_gateway: Array
    detach_reason: Array
    end_ns: Array
    settle_at_ns: Array
    told: ring.Records


class Surroundings(NamedTuple):
    """What the rest of the shard knows when outages are judged.

    Attributes:
        satellite, gateway: Serving each place before the layer.
        tilt: How each face stands.
        knowledge, shard, plan_version: What is known, whose terminals, which plan is in force.
        clock_ns: The shard's log time.
        listening_since_ns: Log time since when anybody has been listening.
    """

    satellite: Array
    gateway: Array
    tilt: TiltState
    knowledge: Knowledge
    shard: int
    plan_version: int
    clock_ns: int
    listening_since_ns: int

    @property
    def facts(self) -> ShardFacts:
        """What the inventory says."""
        return self.knowledge.facts(self.shard)


Found = list[dict[str, Array]]


def new_state(places: int) -> OutageState:
    """Return a state in which no terminal has been heard."""
    never, none, no = np.full(places, NEVER), np.full(places, MISSING, np.int32), np.zeros(places, np.int8)
    unknown, empty = np.full(places, MISSING, np.int8), np.zeros(places, np.int64)
    return OutageState(
        heard_ns=never, observed_ns=never, phase=no, start_ns=never, bad_since_ns=never, bad_chain=empty,
        good_since_ns=never, chain=empty, repeats=np.zeros(places, np.int16), context=unknown, detached=no, expected=no,
        satellite=none, gateway=none, boot_count=none, booted=none, is_heard=no, told_as=no, attached=unknown,
        attached_at_ns=never, attached_gateway=none, detach_reason=unknown, end_ns=never, settle_at_ns=never,
        told=ring.no_records(),
    )  # fmt: skip


def put(state: OutageState, where: Array, values: dict[str, Any]) -> OutageState:
    """Return a state in which places have other values."""
    changed = {}
    for name, new in values.items():
        array = getattr(state, name).copy()
        array[where] = new
        changed[name] = array
    return replace(state, **changed)
