"""A gateway that carries nothing is noticed once, and its return too."""

import numpy as np

from ingest.contract.instants import NS_PER_S
from streams.contract.catalogue import KIND_BY_CODE
from streams.detectors.gateway import GatewayState, new_state, step

START_NS = 1_759_449_600 * NS_PER_S


def rows(second, gateways, *, antennas=8, fibre_a=1, fibre_b=1, attached=40):
    count = len(gateways)
    return {
        "gateway_index": np.array(gateways, np.int32),
        "observed_at_ns": np.full(count, START_NS + second * NS_PER_S),
        "antennas_in_service_count": np.broadcast_to(np.array(antennas, np.int16), count),
        "fibre_a_up": np.broadcast_to(np.array(fibre_a, np.int8), count),
        "fibre_b_up": np.broadcast_to(np.array(fibre_b, np.int8), count),
        "terminals_attached_count": np.broadcast_to(np.array(attached, np.int32), count),
    }


def run(seconds, state: GatewayState | None = None):
    """Feed `(second, rows)`; return the events as (kind, gateway, start second, end second or None, decided second)."""
    state = state or new_state(2)
    said = []
    for second, columns in seconds:
        state, events = step(state, columns, START_NS + second * NS_PER_S)
        for i in range(len(events.get("event_code", []))):
            end = int(events["ended_at_ns"][i])
            said.append(
                (
                    KIND_BY_CODE[int(events["event_code"][i])].kind,
                    int(events["subject_index"][i]),
                    (int(events["started_at_ns"][i]) - START_NS) // NS_PER_S,
                    None if end < 0 else (end - START_NS) // NS_PER_S,
                    second,
                )
            )
    return said


def both(second, *, down):
    return rows(second, [0, 1], antennas=[0 if down else 8, 8])


def test_a_gateway_without_antennas_is_isolated_after_the_hold_and_restored_after_ten_good_seconds():
    said = run((s, both(s, down=20 <= s < 50)) for s in range(80))

    assert said == [("gateway_isolated", 0, 20, None, 25), ("gateway_restored", 0, 20, 50, 60)]


def test_a_blink_shorter_than_the_hold_is_nothing():
    assert run((s, both(s, down=20 <= s < 24)) for s in range(60)) == []


def test_one_fibre_down_is_no_isolation_and_both_are():
    one = run((s, rows(s, [0, 1], fibre_a=[0, 1])) for s in range(30))
    two = run((s, rows(s, [0, 1], fibre_a=[0, 1], fibre_b=[0, 1])) for s in range(30))

    assert one == []
    assert two == [("gateway_isolated", 0, 0, None, 5)]


def test_a_gateway_that_falls_silent_while_others_speak_is_isolated_since_it_was_last_heard():
    said = run((s, rows(s, [0, 1] if s <= 20 else [1])) for s in range(40))

    assert said == [("gateway_isolated", 0, 20, None, 30)]


def test_all_gateways_silent_at_once_is_our_own_ear():
    said = run((s, rows(s, [0, 1]) if s <= 20 else {}) for s in range(60))

    assert said == []


def test_a_repeated_row_changes_nothing():
    once = run((s, both(s, down=s >= 20)) for s in range(40))
    twice = run(pair for s in range(40) for pair in [(s, both(s, down=s >= 20))] * 2)

    assert twice == once


def test_the_reach_is_what_was_attached_while_it_was_well():
    state = new_state(1)
    for second in range(10):
        state, events = step(
            state, rows(second, [0], antennas=8 if second < 3 else 0, attached=40 if second < 3 else 0),
            START_NS + second * NS_PER_S,
        )  # fmt: skip
        if events:
            break

    assert events["terminals_affected_count"].tolist() == [40]
