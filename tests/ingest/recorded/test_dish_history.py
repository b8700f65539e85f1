"""A dish's one-second rings, unrolled and dated."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.recorded.dish_history import read_dish_history
from ingest.recorded.malformed import Malformed
from tests.ingest.recorded.dish import OUTAGES, TAKEN_AT_NS, made_dish_history

MADE = Path(__file__).parents[2] / "data" / "dish_history" / "made.json"
NS_PER_S = 1_000_000_000


def read(history, **options):
    return read_dish_history(json.dumps(history).encode(), "history.json", **options)


def rings(**fields):
    return {"dishGetHistory": {"current": "3", "popPingDropRate": [0, 0, 0], **fields}}


def test_the_file_in_the_tree_is_what_its_builder_makes():
    assert json.loads(MADE.read_text()) == made_dish_history()


def test_the_newest_sample_was_taken_at_the_given_time_and_the_others_a_second_apart():
    history = read_dish_history(MADE.read_bytes(), MADE.name, taken_at_ns=TAKEN_AT_NS)
    assert history.clock == "utc"
    assert history.observed_at_ns[-1] == TAKEN_AT_NS
    assert set(np.diff(history.observed_at_ns)) == {NS_PER_S}
    assert len(history.observed_at_ns) == 900


def test_without_that_time_the_clock_is_relative():
    history = read_dish_history(MADE.read_bytes(), MADE.name)
    assert (history.clock, history.observed_at_ns[0], history.observed_at_ns[-1]) == ("relative", 0, 899 * NS_PER_S)


def test_the_ring_is_unrolled_to_where_the_outages_are():
    history = read_dish_history(MADE.read_bytes(), MADE.name, taken_at_ns=TAKEN_AT_NS)
    assert np.flatnonzero(history.pop_ping_drop_ratio == 1).tolist() == [*range(100, 104), *range(403, 412), 700, 701]
    assert history.pop_ping_drop_ratio[250] == pytest.approx(0.4)


def test_a_second_of_full_loss_has_no_latency_but_has_its_throughput():
    history = read_dish_history(MADE.read_bytes(), MADE.name)
    lost = history.pop_ping_drop_ratio == 1
    assert (np.isnan(history.pop_ping_latency_ms) == lost).all()
    assert (history.downlink_throughput_bps[lost] == 0).all()
    assert (history.uplink_throughput_bps[~lost] > 0).all()


@pytest.mark.parametrize("gps_epoch", [True, False])
def test_outage_times_are_gps_and_become_utc(gps_epoch):
    outages = read(made_dish_history(gps_epoch=gps_epoch), taken_at_ns=TAKEN_AT_NS).outages
    assert outages.cause == tuple(cause for _, _, cause, _ in OUTAGES)
    since_oldest_s = (outages.start_at_ns - (TAKEN_AT_NS - 899 * NS_PER_S)) / NS_PER_S
    assert since_oldest_s == pytest.approx([start_s for start_s, *_ in OUTAGES], abs=1e-3)
    assert (outages.duration_ns / NS_PER_S).tolist() == [length_s for _, length_s, _, _ in OUTAGES]
    assert outages.did_switch.tolist() == [True, True, False, True]


def test_outages_are_also_read_from_the_event_log_of_newer_firmware():
    events = [
        {
            "reason": "EVENT_REASON_OUTAGE_SLEEPING",
            "startTimestampNs": "1443485718000000000",
            "durationNs": "5000000000",
        },
        {"reason": "EVENT_REASON_SOFTWARE_UPDATE", "startTimestampNs": "1443485718000000000"},
    ]
    outages = read(rings(eventLog={"events": events})).outages
    assert outages.cause == ("SLEEPING",)
    assert outages.start_at_ns.tolist() == [(1_443_485_718 + 315_964_800 - 18) * NS_PER_S]


@settings(max_examples=40, deadline=None)
@given(written=st.integers(1, 40), size=st.integers(1, 12))
def test_a_ring_gives_the_last_samples_in_the_order_they_were_written(written, size):
    ring = [0.0] * size
    for sample in range(written):
        ring[sample % size] = sample + 1.0
    history = read({"dishGetHistory": {"current": str(written), "popPingLatencyMs": ring}})
    last = range(max(written - size, 0), written)
    assert history.sequence.tolist() == list(last)
    assert history.pop_ping_latency_ms.tolist() == [sample + 1.0 for sample in last]


def test_values_that_are_no_number_read_as_nan_and_are_counted():
    history = read(rings(popPingDropRate=["NaN", 1.5, 0.25], popPingLatencyMs=[None, -1, "31.5"]))
    assert history.bad_values_count == 4
    assert history.pop_ping_drop_ratio == pytest.approx([np.nan, np.nan, 0.25], nan_ok=True)
    assert history.pop_ping_latency_ms == pytest.approx([np.nan, np.nan, 31.5], nan_ok=True)


def test_a_ring_that_the_dish_does_not_have_is_unknown_and_not_bad():
    history = read(rings())
    assert np.isnan(history.downlink_throughput_bps).all()
    assert history.bad_values_count == 0


def test_gzip_is_read():
    assert len(read_dish_history(gzip.compress(MADE.read_bytes()), "made.json.gz").sequence) == 900


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"{", "no dish history"),
        (b"[]", "no dish history"),
        (b'{"dishGetStatus": {}}', "no dish history"),
        (json.dumps(rings(current="x")).encode(), "no 64-bit integer"),
        (json.dumps(rings(current="-3")).encode(), "no 64-bit count"),
        (json.dumps(rings(current="0")).encode(), "no samples"),
        (json.dumps(rings(popPingLatencyMs=[1, 2])).encode(), "different lengths"),
        (json.dumps(rings(outages=[{"startTimestampNs": "soon"}])).encode(), "no 64-bit integer"),
        (b"  ", "empty"),
    ],
)
def test_what_is_no_history_is_said_with_how_to_mend_it(raw, what):
    with pytest.raises(Malformed, match=f"^history.json: .*{what}.*; "):
        read_dish_history(raw, "history.json")
