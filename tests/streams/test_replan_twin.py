"""Handovers under plans that replace one another: the detector says what a twin says that asks the plan instant by instant."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.contract.vocabulary import Conformance
from tests.make import START_NS, S, frame, knowledge, plan_frame, sample
from tests.streams.said import said

CELL, SLOT_S, SECONDS = 7, 30, 125
ON_TIME_S = 1.5
SATELLITES = st.integers(-1, 3)
# Of a slot: (version's place, valid from, published, satellite), seconds from the slot's start.
PLANS = st.lists(st.tuples(st.integers(-30, 29), st.integers(-30, 29), SATELLITES), max_size=4)
WORLDS = st.tuples(
    st.lists(PLANS, min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(1, SECONDS - 1), st.integers(0, 3)), min_size=1, max_size=14),
)


class Twin:
    """The plan of one cell, asked second by second."""

    def __init__(self, plans):
        self.said = [
            (version, slot * SLOT_S, max(slot * SLOT_S, slot * SLOT_S + valid, slot * SLOT_S + published),
             slot * SLOT_S + published, satellite)
            for version, (slot, (valid, published, satellite)) in enumerate(plans, 1)
        ]  # fmt: skip

    def at(self, second):
        """Return the plan that holds: (version, slot, from, published, satellite), or None."""
        slot = second // SLOT_S * SLOT_S
        return max((p for p in self.said if p[1] == slot and p[2] <= second), default=None)

    def turn(self, second):
        """Return (who is to serve, who before, since when), or None where the plan or the one before is not known."""
        slot, now = second // SLOT_S * SLOT_S, self.at(second)
        before = self.at(slot - 1)
        if now is None or before is None:
            return None
        since = second
        while since > slot and (earlier := self.at(since - 1)) is not None and earlier[4] == now[4]:
            since -= 1
        earlier = self.at(since - 1) if since > slot else None
        return now[4], (before if earlier is None else earlier)[4], since

    def ahead(self, second):
        """Return the plan that comes after the one that holds, and when; None before it is said."""
        slot, later = second // SLOT_S * SLOT_S, second + 1
        while later < slot + SLOT_S and self.at(later) is self.at(second):
            later += 1
        plan = self.at(later)
        return (plan[4], later) if plan is not None and plan[3] <= second else None

    def judge(self, second, to):
        """Return the word for a move and its timing error."""
        turn = self.turn(second)
        if turn is None:
            return None
        now, before, since = turn
        error = second - since if now == to and before != to else None
        ahead = self.ahead(second)
        if error is None and now != to and ahead is not None and ahead[0] == to:
            error = second - ahead[1]
        if error is None:
            return Conformance.UNPLANNED
        if abs(error) <= ON_TIME_S:
            return Conformance.ON_TIME
        return Conformance.LATE if error > 0 else Conformance.EARLY

    def missed(self, slot, serving):
        """Return since when a move was owed that never came in a slot; None if none was."""
        end = slot + SLOT_S
        last = end - 1
        while last > slot and self.at(last - 1) is self.at(end - 1):
            last -= 1
        turn = self.turn(last)
        if turn is None:
            return None
        target, was, since = turn
        stood = serving.get(last - 1, serving.get(last))
        seen = {serving[s] for s in range(last, end) if s in serving}
        owed = target >= 0 and was >= 0 and target != was and stood == was and target not in seen
        return since if owed else None


def expected(twin, serving):
    found = []
    for second in sorted(serving):
        was = serving.get(second - 1)
        if was is not None and was != serving[second]:
            found.append((second, twin.judge(second, serving[second])))
        if second % SLOT_S == 0 and second - SLOT_S >= 0:
            since = twin.missed(second - SLOT_S, serving)
            found += [] if since is None else [(since, Conformance.MISSED)]
    return sorted(found, key=str)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORLDS)
def test_words_and_misses_are_those_of_a_twin_that_asks_the_plan_second_by_second(world):
    slots, moves = world
    plans = [(slot, plan) for slot, them in enumerate(slots, -1) for plan in them]
    serving, now = {}, 0
    for second in range(1, SECONDS):
        now = next((satellite for at, satellite in moves if at == second), now)
        serving[second] = now
    replans = [
        plan_frame(slot, {CELL: satellite}, version=version, from_s=valid, published_s=published)
        for version, (slot, (valid, published, satellite)) in enumerate(plans, 1)
    ]  # fmt: skip
    known = knowledge(1, terminals={0: {"cell_id": CELL}}, replans=replans)
    newest = {"plan_version": len(plans)}
    frames = [frame([sample(s, serving_satellite_index=serving[s])], s, **newest) for s in serving]
    rows = [row for row in said(frames, known)[0].values() if row["event_code"] == 1]
    found = [
        ((row["started_at_ns"] - START_NS) // S, None if row["conformance"] < 0 else Conformance(row["conformance"]))
        for row in rows
    ]

    assert sorted(found, key=str) == expected(Twin(plans), serving)
