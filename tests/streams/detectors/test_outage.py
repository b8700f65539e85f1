"""Outage: each rule by its name."""

from ingest.contract.vocabulary import ServiceClass
from streams.contract.catalogue import KIND_BY_CODE
from streams.contract.events import unpack_chain
from streams.contract.vocabulary import OutageCause
from tests.make import START_NS, S, attachments, frame, knowledge, sample, tick
from tests.streams.said import said

PLAN = {slot: {7: 1} for slot in range(-1, 12)}
BAD = {"pop_ping_drop_ratio": 1.0, "state": 8}


def story(seconds, *, rows=None, between=(), until=140, plan=PLAN, **known):
    """Return (kind, start, end or None, event) of one terminal heard at these seconds.

    Args:
        seconds: When a sample comes.
        rows: Second to what is different about it.
        between: (second, frame) besides.
        until: Ticks go on to this second.
        plan: By slot.
        known: To `knowledge`.
    """
    heard, special = set(seconds), rows or {}
    frames = []
    for second in range(1, until):
        frames += [extra for at, extra in between if at == second]
        row = [sample(second, **special.get(second, {}))] if second in heard else []
        frames.append(frame(row, second) if row else tick(second))
    events = said(frames, knowledge(1, plan=plan, **known))[0].values()
    found = [
        (
            KIND_BY_CODE[event["event_code"]].kind,
            (event["started_at_ns"] - START_NS) / S,
            (event["ended_at_ns"] - START_NS) / S if event.get("ended_at_ns", -1) > 0 else None,
            event,
        )
        for event in events
    ]
    return sorted((f for f in found if f[0].startswith("outage")), key=lambda f: (f[1], f[0]))


def spans(found):
    return [each[:3] for each in found]


def all_but(first, last, until=140):
    return [s for s in range(1, until) if not first <= s < last]


def test_two_bad_seconds_are_an_outage_from_the_start_of_the_first_to_the_start_of_the_first_good_one():
    found = story(range(1, 140), rows={20: BAD, 21: BAD})

    assert spans(found) == [("outage_ended", 19, 21), ("outage_started", 19, None)]
    assert found[0][3]["cause"] == OutageCause.NO_DOWNLINK


def test_one_bad_second_is_none_but_for_operational_technology():
    assert story(range(1, 140), rows={20: BAD}) == []

    critical = {0: {"service": ServiceClass.CRITICAL_OT}}
    assert spans(story(range(1, 140), rows={20: BAD}, terminals=critical))[1] == ("outage_started", 19, None)


def test_two_bad_seconds_whose_stamps_lie_a_hair_closer_are_an_outage_too():
    close = {**BAD, "observed_at_ns": START_NS + 21 * S - 20_000_000}

    assert [each[0] for each in story(range(1, 140), rows={20: BAD, 21: close})] == ["outage_ended", "outage_started"]


def test_one_good_second_between_does_not_split_an_outage():
    found = story(range(1, 140), rows=dict.fromkeys((20, 21, 23, 24), BAD))

    assert spans(found) == [("outage_ended", 19, 24), ("outage_started", 19, None)]


def test_silence_alone_is_suspected_and_withdrawn_when_nothing_confirms_it():
    found = story(all_but(20, 40))

    assert spans(found) == [("outage_suspected", 19, None), ("outage_withdrawn", 19, 39)]


def test_four_silent_seconds_are_nothing():
    assert story(all_but(20, 24)) == []


def test_silent_and_detached_is_an_outage_and_the_return_ends_it():
    gone = (22, attachments([(0, 21, 0)], 22))

    found = story(all_but(20, 60), between=[gone])

    assert spans(found) == [("outage_ended", 19, 59), ("outage_started", 19, None)]
    assert found[1][3]["detached"] == 1
    assert found[1][3]["cause"] == OutageCause.SILENT


def test_a_boot_across_the_gap_was_a_power_loss():
    gone = (22, attachments([(0, 21, 0)], 22))
    after = {s: {"boot_count": 2, "sequence": s - 60} for s in range(60, 140)}

    found = story(all_but(20, 60), rows=after, between=[gone])

    assert unpack_chain(found[0][3]["cause_chain"]) == [OutageCause.POWER, OutageCause.BOOTING]


def test_what_the_ring_tells_afterwards_confirms_a_suspicion_without_a_page():
    ring = (45, frame([sample(s, **BAD) for s in range(20, 40)], 45, stored=True))

    found = story(all_but(20, 40), between=[ring])

    assert spans(found) == [("outage_ended", 19, 39), ("outage_started", 19, None), ("outage_suspected", 19, None)]
    assert found[0][3]["stored"] == found[1][3]["stored"] == 1


def test_what_the_ring_tells_afterwards_withdraws_a_suspicion():
    ring = (45, frame([sample(s) for s in range(20, 40)], 45, stored=True))

    assert [each[0] for each in story(all_but(20, 40), between=[ring])] == ["outage_suspected", "outage_withdrawn"]


def test_a_gap_that_the_plan_foresaw_is_expected():
    gone = (32, attachments([(0, 31, 0)], 32))
    plan = {**PLAN, 1: {7: -1}}

    found = story(all_but(30, 61), between=[gone], plan=plan)

    assert found[1][3]["expected"] == 1
    assert found[1][3]["cause"] == OutageCause.COVERAGE_GAP


def test_nobody_is_suspected_while_the_door_itself_is_silent():
    """Another door goes on: time moves, and the first one's terminals are blind."""
    frames = [frame([sample(s)], s) for s in range(1, 20)] + [tick(s, producer="door-2") for s in range(1, 100)]
    frames.sort(key=lambda f: f.header.received_at_ns)

    assert said(frames, knowledge(1, plan=PLAN))[0] == {}
