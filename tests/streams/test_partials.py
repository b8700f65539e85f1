"""What a shard says of a window, and when: named cases of what the slow twin holds in general."""

from collections import Counter

import numpy as np

from streams.partials import CORRECT_EVERY_NS
from streams.shard import from_arrays, new_state, step, to_arrays
from tests.make import START_NS, S, attachments, frame, inventory, knowledge, sample, tick
from tests.streams.partial_sums import add_up, extremes

COUNT = 2
KNOWN = knowledge(COUNT)


def lives(until_s, *, silent=(), terminal=0, start_s=0, **fields):
    """Return the samples of a terminal by second: one each second, none in the seconds of `silent`."""
    return {
        second: sample(second, terminal_index=terminal, **fields)
        for second in range(start_s, until_s)
        if second not in silent
    }  # fmt: skip


def run(by_second, until_s, *, known=KNOWN, more=(), state=None, start_s=0):
    """Return the state and every partial of a shard that gets a frame or a tick each second."""
    state, said = state or new_state(0, known.inventory.shard_count), []
    more = sorted(more, key=lambda each: each.header.received_at_ns)
    for second in range(start_s, until_s):
        rows = [samples[second] for samples in by_second if second in samples]
        due = [each for each in more if start_s <= (each.header.received_at_ns - START_NS) // S == second]
        for each in [frame(rows, second + 0.1) if rows else tick(second + 0.1), *due]:
            state, findings = step(state, each, known)
            said += findings.partials
    return state, said


def seconds(said, window_s=0):
    """Return the seconds of each class in a window, over all groups."""
    found = Counter()
    for (window_ns, *_), total in add_up(said).items():
        if window_ns == START_NS + window_s * S:
            found.update({name: total[name] / S for name in ("good", "bad", "expected", "unknown") if total.get(name)})
    return {name: value for name, value in found.items() if value}


def revisions(said, window_s):
    return [header.revision for header, _ in said if header.window_start_ns == START_NS + window_s * S]


def test_a_window_is_said_when_the_watermark_passes_it_and_not_before():
    state, said = run([lives(90)], 90)
    assert revisions(said, 0) == []

    _, said = run([], 91, start_s=90, state=state)
    assert revisions(said, 0) == [1]
    assert seconds(said) == {"good": 60.0}


def test_a_shard_with_nothing_to_say_says_so():
    _, said = run([], 91)

    ((header, columns),) = [(h, c) for h, c in said if h.window_start_ns == START_NS]
    assert (header.revision, header.shard_count, columns) == (1, 1, {})


def test_a_terminal_counts_nothing_before_its_first_sample():
    _, said = run([lives(200), lives(200, terminal=1, start_s=40)], 100)

    assert seconds(said) == {"good": 60.0 + 21.0}  # its sample at second 40 tells of the second before


def test_silence_is_unknown_and_good_after_all_when_it_is_withdrawn():
    _, said = run([lives(200, silent=range(70, 160))], 160)
    assert seconds(said, 60) == {"good": 9.0, "unknown": 51.0}

    _, said = run([lives(240, silent=range(70, 160))], 240)
    assert seconds(said, 60) == {"good": 60.0}
    assert revisions(said, 60) == [1, 2]


def test_the_seconds_of_an_outage_grow_with_every_window_while_it_lasts():
    lost = lives(300) | lives(300, start_s=70, state=7, pop_ping_drop_ratio=1.0)
    _, said = run([lost], 280)

    assert [seconds(said, window_s) for window_s in (0, 60, 120, 180)] == [
        {"good": 60.0}, {"good": 9.0, "bad": 51.0}, {"bad": 60.0}, {"bad": 60.0}
    ]  # fmt: skip
    assert [revisions(said, window_s) for window_s in (60, 120, 180)] == [[1], [1], [1]]


def test_what_is_unknown_turns_bad_once_detachment_confirms_it():
    gone = lives(70)
    _, said = run([gone], 200)
    assert seconds(said, 60) == {"good": 9.0, "unknown": 51.0}

    _, said = run([gone], 260, more=[attachments([(0, 70, 0)], 200.5)])
    assert [seconds(said, window_s) for window_s in (60, 120)] == [{"good": 9.0, "bad": 51.0}, {"bad": 60.0}]
    assert revisions(said, 60) == [1, 2]


def test_what_the_plan_has_foreseen_is_apart():
    known = knowledge(COUNT, plan={slot: {7: -1 if slot == 2 else 1} for slot in range(-1, 8)})
    lost = lives(200) | {s: sample(s, state=9, pop_ping_drop_ratio=1.0) for s in range(62, 91)}
    _, said = run([lost], 200, known=known)

    assert seconds(said, 60) == {"good": 60.0 - 29.0, "expected": 29.0}


def test_behind_a_door_that_has_stopped_seconds_are_unknown_and_stay_so():
    state, said = new_state(0, 1), []
    for second in range(220):
        frames = [tick(second, producer="door-2")]
        if not 100 <= second < 150:
            frames.append(frame([sample(second)], second, producer="door-1"))
        for each in frames:
            state, findings = step(state, each, KNOWN)
            said += findings.partials

    assert seconds(said, 60) == {"good": 39.0, "unknown": 21.0}
    assert seconds(said, 120) == {"good": 31.0, "unknown": 29.0}


def test_a_gap_belongs_to_the_gateway_before_it_and_the_rest_to_the_one_at_the_windows_end():
    moved = lives(70) | lives(200, start_s=90, gateway_index=2)
    _, said = run([moved], 200, more=[attachments([(0, 70, 0)], 72.0)])
    by_gateway = {key[1]: total for key, total in add_up(said).items() if key[0] == START_NS + 60 * S}

    assert (by_gateway[1]["bad"], by_gateway[2]["good"]) == (20 * S, 40 * S)
    assert "good" not in by_gateway[1]
    assert (by_gateway[1]["samples_count"], by_gateway[2]["samples_count"]) == (10, 30)


def test_stored_samples_fill_the_windows_they_were_measured_in_and_no_repeat_counts():
    stored = [sample(s, downlink_bytes_total=100 * s, pop_ping_latency_ms=40.0 + s % 3) for s in range(70, 160)]
    told = lives(300, silent=range(70, 160))
    for second, row in told.items():
        row["downlink_bytes_total"] = 100 * second
    twice = [frame(stored[:50], 170, stored=True), frame(stored, 171, stored=True)]
    _, said = run([told], 300, more=twice)
    by_window = {key[0]: total for key, total in add_up(said).items()}

    assert [by_window[START_NS + w * S]["samples_count"] for w in (0, 60, 120, 180)] == [60] * 4
    assert [by_window[START_NS + w * S]["downlink_bytes"] for w in (0, 60, 120, 180)] == [5_900, 6_000, 6_000, 6_000]
    assert extremes(said)[START_NS + 60 * S] == (30.0, 42.0)


def test_a_repeat_in_the_same_frame_does_not_count_either():
    state, said = run([lives(40)], 40)
    for stored, rows in ((False, [sample(41), sample(41)]), (True, [sample(40)] * 3)):
        state, findings = step(state, frame(rows, 41, stored=stored), KNOWN)
        said += findings.partials
    _, later = run([], 100, state=state, start_s=42)

    assert add_up(said + later)[START_NS, 1, 1, 1]["samples_count"] == 42


def test_a_counter_that_starts_anew_loses_nothing_and_invents_nothing():
    told = lives(20) | {
        second: sample(second, boot_count=2, sequence=second - 20) for second in range(20, 40)
    } | {second: sample(second, boot_count=2, sequence=second - 20) for second in range(40, 100)}  # fmt: skip
    for second, row in told.items():
        row["downlink_bytes_total"] = 10**9 + second * 10 if second < 20 else 7 + (second - 20) * 10
        row["uplink_bytes_total"] = second if second < 50 else second - 50
    _, said = run([told], 95)
    total = add_up(said)[START_NS, 1, 1, 1]

    assert total["downlink_bytes"] == 19 * 10 + 7 + 39 * 10
    assert total["uplink_bytes"] == 19 + 20 + 29 + 9  # a boot at 20 and a wrap at 50


def test_corrections_wait_for_the_tens_of_the_shards_clock():
    late = [frame([sample(20 + i, sequence=20 + i)], 131 + 3 * i, stored=True) for i in range(5)]
    _, said = run([lives(160, silent=range(20, 30))], 160, more=late)
    corrections = [header for header, _ in said if header.window_start_ns == START_NS and header.revision > 1]

    assert CORRECT_EVERY_NS == 10 * S
    assert len(corrections) == 2  # at 140 and at 150
    assert add_up(said)[START_NS, 1, 1, 1]["samples_count"] == 55


def test_what_comes_after_two_hours_is_counted_and_left_to_the_archive():
    state, said = run([lives(61, silent=range(20, 40))], 61)
    for second in range(61, 7_400, 9):
        state, findings = step(state, tick(second), KNOWN)
        said += findings.partials
    before = int(state.accounts.ledger.lost_count[0])
    state, findings = step(state, frame([sample(30)], 7_400, stored=True), KNOWN)
    for second in range(7_401, 7_440):
        state, findings = step(state, tick(second), KNOWN)
        said += findings.partials

    assert int(state.accounts.ledger.lost_count[0]) == before + 1
    assert add_up(said)[START_NS, 1, 1, 1]["samples_count"] == 40


def test_a_log_that_stood_still_for_a_month_says_no_month_of_windows():
    state, said = run([lives(61)], 61)
    for second in (3_000_000, 3_000_001):
        state, findings = step(state, tick(second), KNOWN)
        said += findings.partials

    assert 120 <= len(said) < 130
    assert seconds(said) == {"good": 60.0}


def test_terminals_that_the_inventory_adds_change_nothing_of_what_was_said():
    state, said = run([lives(100)], 100)
    more = knowledge(5)
    state, later = run(
        [lives(300, start_s=100), lives(300, terminal=4, start_s=130)], 300, known=more, state=state, start_s=100
    )

    assert revisions(said + later, 0) == [1]
    assert seconds(said + later, 120) == {"good": 60.0 + 51.0}
    assert seconds(said + later, 180) == {"good": 120.0}


def test_a_gateway_or_a_pop_that_the_inventory_does_not_have_is_none():
    _, said = run([lives(100, gateway_index=len(inventory().gateways), pop_index=2**31 - 1)], 95)

    assert {key[1:3] for key, total in add_up(said).items() if total.get("samples_count")} == {(-1, -1)}


def test_every_bucket_holds_what_lies_at_its_limit_and_not_above():
    limits = [5.0, 10.0, 75.0, 1000.0]
    told = {}
    for number, limit in enumerate(limits):
        above = float(np.nextafter(np.float32(limit), np.float32(2000)))
        told[2 * number] = sample(2 * number, pop_ping_latency_ms=limit)
        told[2 * number + 1] = sample(2 * number + 1, pop_ping_latency_ms=above)
    _, said = run([told], 95)
    total = add_up(said)[START_NS, 1, 1, 1]

    names = ("5ms", "10ms", "15ms", "75ms", "100ms", "1000ms", "inf")
    assert [total[f"rtt_le_{name}_count"] for name in names] == [1, 2, 1, 1, 1, 1, 1]


def test_accounts_come_back_from_a_snapshot_as_they_were():
    state, _ = run([lives(130, silent=range(50, 80))], 130)
    again = from_arrays(0, 1, to_arrays(state))

    for name, values in to_arrays(state).items():
        assert to_arrays(again)[name].dtype == values.dtype, name
        assert np.array_equal(to_arrays(again)[name], values, equal_nan=values.dtype.kind == "f"), name
