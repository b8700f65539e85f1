import numpy as np
import pytest

from simulators.firmware import LACKS, leave_out
from simulators.reporting import Reporting, draw_cadences_s

SECOND_NS = 1_000_000_000


def test_only_the_smallest_report_seldom_and_few_of_them():
    model = np.repeat(np.array([0, 1, 2], np.int8), 5_000)
    cadence_s = draw_cadences_s(model, np.random.default_rng(1))
    assert (cadence_s[5_000:] == 1).all()
    shares = {s: float(np.mean(cadence_s[:5_000] == s)) for s in (1, 5, 15, 60)}
    assert shares[1] == pytest.approx(0.87, abs=0.02)
    assert min(shares.values()) > 0.02


def test_who_reports_seldom_tells_the_means_of_its_interval():
    reporting = Reporting(np.array([1, 5, 60], np.int16))
    told = []
    for second in range(120):
        columns = {
            "pop_ping_latency_ms": np.array([30.0, 30.0 + second % 5, np.nan if second < 60 else 40.0], np.float32),
            "pop_ping_drop_ratio": np.array([0.0, 1.0 if second % 5 == 0 else 0.0, 0.5], np.float32),
            "downlink_throughput_bps": np.full(3, second, np.float32),
            "uplink_throughput_bps": np.zeros(3, np.float32),
        }
        reports = reporting.due(second * SECOND_NS)
        reporting.average(columns, reports)
        told.append((reports, columns))
    reports = np.array([one for one, _ in told])
    assert reports.sum(axis=0).tolist() == [120, 24, 2]
    assert (np.diff(np.flatnonzero(reports[:, 1])) == 5).all()
    last = told[np.flatnonzero(reports[:, 1])[-1]][1]
    assert last["pop_ping_latency_ms"][1] == pytest.approx(32.0)
    assert last["pop_ping_drop_ratio"][1] == pytest.approx(0.2)
    first, second = (told[n][1] for n in np.flatnonzero(reports[:, 2]))
    assert np.isnan(first["pop_ping_latency_ms"][2])
    assert second["pop_ping_latency_ms"][2] == pytest.approx(40.0)
    assert told[70][1]["downlink_throughput_bps"][0] == 70.0


def test_each_firmware_leaves_its_own_fields_empty():
    columns = {
        "modcod": np.array([3, 4], np.int8),
        "obstruction_ratio": np.array([0.1, 0.2], np.float32),
        "power_w": np.array([50.0, 60.0], np.float32),
        "state": np.array([1, 1], np.int8),
    }
    leave_out(columns, np.array([0, 1], np.int8))
    assert columns["modcod"].tolist() == [-1, 4]
    assert columns["modcod"].dtype == np.int8
    assert np.isnan(columns["obstruction_ratio"]).tolist() == [True, False]
    assert np.isnan(columns["power_w"]).tolist() == [False, True]
    assert columns["state"].tolist() == [1, 1]
    assert not set(LACKS[0]) & set(LACKS[1])
