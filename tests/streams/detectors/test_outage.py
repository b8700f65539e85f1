"""Outage: each rule by its name."""

from ingest.contract.vocabulary import DetachReason, ServiceClass, TerminalState
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


def test_a_hole_too_short_to_be_suspected_is_an_outage_if_the_ring_says_so():
    found = story(all_but(20, 22), between=[ring(20, 22, received=30)])

    assert spans(found) == [("outage_ended", 19, 21), ("outage_started", 19, None)]
    assert found[0][3]["stored"] == 1
    assert found[0][3]["cause"] == OutageCause.NO_DOWNLINK


def test_a_short_hole_of_good_seconds_or_of_one_bad_one_is_nothing():
    well = (30, frame([sample(20), sample(21)], 30, stored=True))

    assert story(all_but(20, 22), between=[well]) == []
    assert story(all_but(20, 22), between=[ring(20, 21, received=30)]) == []
    assert story(all_but(20, 21), between=[ring(20, 21, received=30)]) == []


def test_a_bad_second_heard_after_a_short_hole_belongs_to_it():
    found = story(all_but(20, 22), rows={22: BAD}, between=[ring(20, 22, received=30)])

    assert spans(found) == [("outage_ended", 19, 22), ("outage_started", 19, None)]


def test_a_short_hole_after_a_trouble_is_asked_about_once_the_ring_has_told_of_that():
    seconds = [s for s in all_but(20, 40) if s not in (60, 61)]
    told, of_the_hole = ring(20, 40, received=50), ring(60, 62, received=70)

    both = story(seconds, between=[told, of_the_hole])
    late = story(seconds, between=[of_the_hole])

    assert [each[:3] for each in both if each[0] == "outage_ended"] == [
        ("outage_ended", 19, 39),
        ("outage_ended", 59, 61),
    ]
    assert [each[0] for each in late] == ["outage_suspected", "outage_withdrawn"]


def test_a_boot_within_a_short_hole_was_without_power():
    after = {s: {"boot_count": 2, "sequence": s - 23} for s in range(23, 140)}

    found = story(all_but(20, 23), rows=after)

    assert spans(found) == [("outage_ended", 19, 22), ("outage_started", 19, None)]
    assert unpack_chain(found[0][3]["cause_chain"]) == [OutageCause.POWER, OutageCause.BOOTING]


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


def ring(first, last, *, received=45, bad=BAD, **fields):
    """Return the frame in which a ring tells of these seconds."""
    return received, frame([sample(s, **bad, **fields) for s in range(first, last)], received, stored=True)


GOOD_RING = (44, frame([sample(s) for s in range(20, 40)], 44, stored=True))


def test_one_bad_second_in_the_ring_confirms_no_outage():
    seconds = [sample(s, **(BAD if s == 30 else {})) for s in range(20, 40)]

    found = story(all_but(20, 40), between=[(45, frame(seconds, 45, stored=True))])

    assert [each[0] for each in found] == ["outage_suspected", "outage_withdrawn"]


def test_one_bad_second_in_the_ring_is_enough_for_operational_technology():
    seconds = [sample(s, **(BAD if s == 30 else {})) for s in range(20, 40)]
    critical = {0: {"service": ServiceClass.CRITICAL_OT}}

    found = story(all_but(20, 40), between=[(45, frame(seconds, 45, stored=True))], terminals=critical)

    assert spans(found) == [("outage_suspected", 19, None), ("outage_ended", 29, 30), ("outage_started", 29, None)]


def test_a_suspicion_is_confirmed_as_the_bad_part_that_the_ring_holds():
    seconds = [sample(s, **(BAD if 25 <= s < 30 else {})) for s in range(20, 40)]

    found = story(all_but(20, 40), between=[(45, frame(seconds, 45, stored=True))])

    assert spans(found) == [("outage_suspected", 19, None), ("outage_ended", 24, 29), ("outage_started", 24, None)]


def test_two_bad_parts_of_a_ring_are_two_outages():
    seconds = [sample(s, **(BAD if s < 24 or s >= 30 else {})) for s in range(20, 40)]

    found = story(all_but(20, 40), between=[(45, frame(seconds, 45, stored=True))])

    assert [each[:3] for each in found if each[0] == "outage_ended"] == [
        ("outage_ended", 19, 23),
        ("outage_ended", 29, 39),
    ]


def test_a_hole_in_the_ring_before_the_first_bad_record_is_no_outage_unless_the_gateway_let_go():
    late = ring(30, 40)
    gone = (22, attachments([(0, 21, 0)], 22))

    assert spans(story(all_but(20, 40), between=[late]))[1:] == [("outage_ended", 29, 39), ("outage_started", 29, None)]
    assert spans(story(all_but(20, 40), between=[gone, late]))[0] == ("outage_ended", 19, 39)


def test_a_ring_that_was_full_and_begins_bad_says_that_it_had_no_room_for_the_rest():
    full = (1005, frame([sample(s, **BAD) for s in range(105, 1000)], 1005, stored=True))
    plan = {slot: {7: 1} for slot in range(-1, 40)}

    found = story(all_but(20, 1000, 1100), between=[full], until=1100, plan=plan)

    assert spans(found)[0] == ("outage_ended", 19, 999)


def test_an_outage_told_for_silence_and_detachment_ends_where_the_ring_says():
    gone = (22, attachments([(0, 21, 0)], 22))
    seconds = [sample(s, **(BAD if s < 35 else {})) for s in range(20, 40)]

    found = story(all_but(20, 40), between=[gone, (45, frame(seconds, 45, stored=True))])

    assert spans(found) == [("outage_ended", 19, 34), ("outage_started", 19, None)]
    assert found[0][3]["revision"] == 2


def test_an_outage_told_for_silence_and_detachment_is_withdrawn_when_the_ring_was_well_throughout():
    gone = (22, attachments([(0, 21, 0)], 22))

    found = story(all_but(20, 40), between=[gone, GOOD_RING])

    assert [each[0] for each in found] == ["outage_ended", "outage_started", "outage_withdrawn"]


def test_an_outage_told_for_silence_and_detachment_is_told_anew_where_the_ring_says_that_it_began_later():
    gone = (22, attachments([(0, 21, 0)], 22))
    seconds = [sample(s, **(BAD if s >= 30 else {})) for s in range(20, 40)]

    found = story(all_but(20, 40), between=[gone, (45, frame(seconds, 45, stored=True))])

    assert ("outage_withdrawn", 19, 39) in spans(found)
    assert ("outage_ended", 29, 39) in spans(found)


def test_an_outage_heard_live_keeps_its_start_and_end_whatever_the_ring_says():
    heard = dict.fromkeys((20, 21, 22), BAD)

    found = story(
        all_but(23, 40), rows=heard, between=[(45, frame([sample(s) for s in range(23, 40)], 45, stored=True))]
    )

    assert spans(found) == [("outage_ended", 19, 39), ("outage_started", 19, None)]


def chain_of(found, kind="outage_ended"):
    return [unpack_chain(each[3]["cause_chain"]) for each in found if each[0] == kind][-1]


def test_a_live_outage_keeps_its_causes_in_order_and_the_first_one_is_primary():
    states = {20: 7, 21: 7, 22: 10, 23: 10, 24: 3}

    found = story(range(1, 140), rows={s: {"pop_ping_drop_ratio": 1.0, "state": state} for s, state in states.items()})

    assert chain_of(found) == [OutageCause.OBSTRUCTED, OutageCause.NO_SCHEDULE, OutageCause.SEARCHING]
    assert found[0][3]["cause"] == OutageCause.OBSTRUCTED
    assert found[0][3]["merged_count"] == 3


def test_outages_a_second_apart_are_counted_as_parts_of_one():
    found = story(range(1, 140), rows=dict.fromkeys((20, 21, 23, 24, 26, 27), BAD))

    assert found[0][3]["merged_count"] == 3
    assert chain_of(found) == [OutageCause.NO_DOWNLINK]


def test_what_the_ring_tells_stands_where_a_live_outage_had_fallen_silent():
    live = {20: BAD, 21: BAD, 40: {**BAD, "state": 10}}
    told = ring(22, 40, bad={**BAD, "state": 3})

    silent = story(all_but(22, 40), rows=live)
    assert chain_of(silent) == [OutageCause.NO_DOWNLINK, OutageCause.SILENT, OutageCause.NO_SCHEDULE]

    found = story(all_but(22, 40), rows=live, between=[told])
    assert chain_of(found) == [OutageCause.NO_DOWNLINK, OutageCause.SEARCHING, OutageCause.NO_SCHEDULE]
    assert found[0][3]["cause"] == OutageCause.NO_DOWNLINK


def test_a_gateway_that_let_a_terminal_go_for_being_out_of_service_is_the_cause():
    gone = (22, attachments([(0, 21, 0, 1, DetachReason.GATEWAY_OUT_OF_SERVICE)], 22))

    found = story(all_but(20, 60), between=[gone, ring(20, 60, received=64)])

    assert {each[3]["cause"] for each in found} == {OutageCause.GATEWAY}
    assert chain_of(found) == [OutageCause.GATEWAY, OutageCause.NO_DOWNLINK]


def test_a_terminal_planned_onto_a_gateway_that_let_others_go_suffers_from_it_too():
    """It was never attached there; the word to the others says why, until one is attached there again."""
    frames = []
    for s in range(1, 140):
        rows = [sample(s, terminal_index=t) for t in (0, 1) if not 20 <= s < 60 - 10 * t]
        frames.append(frame(rows, s) if rows else tick(s))
        if s == 22:
            frames.append(attachments([(0, 21, 0, 1, DetachReason.GATEWAY_OUT_OF_SERVICE), (1, 21, 0)], s))
    heard_later = [e for e in said(frames, knowledge(2, plan=PLAN))[0].values() if e["event_code"] == 4]

    assert {e["cause"] for e in heard_later} == {OutageCause.GATEWAY}
    assert {e["subject_index"] for e in heard_later} == {0, 1}


def started_with(*records):
    """Return the causes said at the start of terminal 0, silent from 20 on, given attachment records by second."""
    frames = [frame([sample(s)], s) if not 20 <= s < 60 else tick(s) for s in range(1, 140)]
    frames += [attachments([record], record[1] + 1) for record in records]
    frames.sort(key=lambda f: f.header.received_at_ns)
    return [e["cause"] for e in said(frames, knowledge(3, plan=PLAN))[0].values() if e["event_code"] == 4]


def test_a_gateway_that_holds_terminals_again_is_no_cause():
    fell = (1, 9, 0, 1, DetachReason.GATEWAY_OUT_OF_SERVICE)

    assert started_with(fell, (0, 21, 0)) == [OutageCause.GATEWAY]
    assert started_with(fell, (2, 11, 1), (0, 21, 0)) == [OutageCause.SILENT]


def test_whom_a_gateway_let_go_for_being_out_of_service_suffers_from_it_though_it_holds_others_again():
    let_go = (0, 21, 0, 1, DetachReason.GATEWAY_OUT_OF_SERVICE)

    assert started_with(let_go, (2, 21, 1)) == [OutageCause.GATEWAY]


def test_the_gateways_word_counts_also_when_it_comes_after_the_outage_was_said():
    late = (30, attachments([(0, 21, 0, 2, DetachReason.GATEWAY_OUT_OF_SERVICE)], 30))
    live = dict.fromkeys(range(20, 60), BAD)

    assert chain_of(story(range(1, 140), rows=live, between=[late])) == [OutageCause.GATEWAY, OutageCause.NO_DOWNLINK]


def test_a_face_said_to_be_knocked_over_is_why_its_terminal_loses_the_sky_but_not_its_power():
    lies = {s: {"boresight_elevation_deg": 30.0} for s in range(5, 140)}
    lost = (46, attachments([(0, 45, 0)], 46))

    found = story(all_but(44, 60), rows=lies, between=[lost, ring(44, 60, received=64, boresight_elevation_deg=30.0)])
    assert chain_of(found) == [OutageCause.TILT, OutageCause.NO_DOWNLINK]

    booted = lies | {s: {"boresight_elevation_deg": 30.0, "boot_count": 2, "sequence": s - 60} for s in range(60, 140)}
    found = story(all_but(44, 60), rows=booted, between=[lost])
    assert chain_of(found) == [OutageCause.POWER, OutageCause.BOOTING]


def test_a_face_found_askew_only_after_an_outage_revises_its_cause():
    lies = {s: {"boresight_elevation_deg": 30.0} for s in range(40, 140)}

    found = story(all_but(20, 40), rows=lies, between=[(22, attachments([(0, 21, 0)], 22))])

    assert [each[3]["cause"] for each in found if each[0] == "outage_started"] == [OutageCause.SILENT]
    assert [(e[3]["cause"], e[3]["revision"]) for e in found if e[0] == "outage_ended"] == [(OutageCause.TILT, 2)]


def test_a_face_that_fell_after_an_outage_does_not_explain_it():
    lies = {s: {"boresight_elevation_deg": 30.0} for s in range(42, 140)}

    found = story(all_but(20, 40), rows=lies, between=[(22, attachments([(0, 21, 0)], 22))])

    assert [each[3]["cause"] for each in found if each[0] == "outage_ended"] == [OutageCause.SILENT]


def test_a_terminal_first_heard_late_has_an_outage_behind_it_only_if_its_ring_says_so():
    late = range(30, 140)
    first = {"boot_count": 1}

    assert story(late) == []
    found = story(late, between=[(35, frame([sample(s, **BAD, **first) for s in range(10, 30)], 35, stored=True))])
    assert spans(found) == [("outage_ended", 9, 29), ("outage_started", 9, None)]
    assert found[0][3]["stored"] == 1


def test_a_terminal_first_heard_after_a_boot_was_without_power_before_it():
    booting = {"pop_ping_drop_ratio": 1.0, "state": TerminalState.BOOTING}

    (over, _) = story(range(60, 140), between=[ring(40, 60, received=65, bad=booting)])

    assert over[:3] == ("outage_ended", 1, 59)
    assert over[3]["cause"] == OutageCause.POWER
    assert unpack_chain(over[3]["cause_chain"]) == [OutageCause.POWER, OutageCause.BOOTING]


def test_what_a_ring_tells_while_the_first_sample_still_waits_for_its_turn_counts():
    found = story(range(30, 140), between=[(31, frame([sample(s, **BAD) for s in range(10, 30)], 31, stored=True))])

    assert spans(found) == [("outage_ended", 9, 29), ("outage_started", 9, None)]


def test_a_commissioned_terminal_that_the_plan_covers_and_nobody_ever_heard_is_suspected_after_a_minute():
    assert spans(story([], until=62)) == []
    assert spans(story([], until=64)) == [("outage_suspected", 1, None)]
    assert story([], plan={slot: {7: -1} for slot in range(-1, 12)}) == []
    assert story([], plan={}) == []
    assert story([], terminals={0: {"aligned_tilt_deg": None}}) == []


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


def test_a_silence_is_suspected_in_its_own_time_beside_a_terminal_that_seldom_reports():
    frames = [frame([sample(second)], second) if second < 20 else tick(second) for second in range(1, 40)]
    events = said(frames, knowledge(2, plan=PLAN, terminals={1: {"cadence_s": 60.0}}))[0].values()

    suspected = [(e["subject_index"], (e["decided_at_ns"] - START_NS) / S) for e in events]
    assert suspected == [(0, 25)]
