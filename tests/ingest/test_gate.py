"""What is bad is named: which sample, which field, why; the rest of the batch goes through."""

import json

import numpy as np
import pytest

from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.instants import NS_PER_S, to_rfc3339
from ingest.contract.inventory import Deployment, Gateway, Inventory, Pop, Satellite, Tenant, Terminal
from ingest.contract.telemetry import TERMINAL
from ingest.gate import Gate

NOW_NS = 1_759_449_600 * NS_PER_S
STOCK = Inventory(
    [
        Deployment(version=1, shard_count=2),
        Tenant(tenant_id="acme", tenant_index=0),
        Tenant(tenant_id="other", tenant_index=1),
        Terminal(terminal_id="ut-0", terminal_index=0, tenant_index=0),
        Terminal(terminal_id="ut-1", terminal_index=1, tenant_index=1),
        Satellite(satellite_id="s-0", satellite_index=0, shell="k1"),
        Gateway(gateway_id="gw-0", gateway_index=0, pop_index=0),
        Pop(pop_id="p-0", pop_index=0),
    ]
)
GATE = Gate(STOCK)


def sample(**changes):
    whole = {
        "terminal_id": "ut-0",
        "boot_count": 3,
        "sequence": 100,
        "observed_at": to_rfc3339(NOW_NS - NS_PER_S),
        "state": "connected",
        "serving_satellite_id": "s-0",
        "gateway_id": "gw-0",
        "snr_db": 11.5,
        "pop_ping_drop_ratio": 0.0,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def admit(*samples, tenant=0):
    return GATE.admit(json.dumps({"samples": samples}).encode(), received_at_ns=NOW_NS, tenant_index=tenant)


def test_a_good_sample_becomes_columns_in_the_types_of_the_layout():
    passed = admit(sample(), sample(sequence=101, snr_db=None))

    assert passed.accepted_count == 2
    assert passed.rejected == ()
    assert passed.live["terminal_index"].tolist() == [0, 0]
    assert passed.live["state"].tolist() == [1, 1]
    assert np.isnan(passed.live["snr_db"][1])
    assert all(values.dtype == TERMINAL.column(name).numpy_type for name, values in passed.live.items())


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"terminal_id": "ut-9"}, RejectReason.UNKNOWN_TERMINAL, "terminal_id"),
        ({"terminal_id": "ut-1"}, RejectReason.FOREIGN_TENANT, "terminal_id"),
        ({"terminal_id": 7}, RejectReason.WRONG_TYPE, "terminal_id"),
        ({"snr_db": "high"}, RejectReason.WRONG_TYPE, "snr_db"),
        ({"tilt_angle_deg": 181.0}, RejectReason.OUT_OF_RANGE, "tilt_angle_deg"),
        ({"boresight_azimuth_deg": -0.5}, RejectReason.OUT_OF_RANGE, "boresight_azimuth_deg"),
        ({"pop_ping_drop_ratio": 1.01}, RejectReason.OUT_OF_RANGE, "pop_ping_drop_ratio"),
        ({"snr_db": 1e300}, RejectReason.OUT_OF_RANGE, "snr_db"),
        ({"downlink_bytes_total": 2**70}, RejectReason.OUT_OF_RANGE, "downlink_bytes_total"),
        ({"sequence": -5}, RejectReason.OUT_OF_RANGE, "sequence"),
        ({"sequence": ...}, RejectReason.MISSING_COLUMN, "sequence"),
        ({"state": "dancing"}, RejectReason.UNKNOWN_CHOICE, "state"),
        ({"gateway_id": "gw-9"}, RejectReason.UNKNOWN_FIELD, "gateway_id"),
        ({"colour": "blue"}, RejectReason.UNKNOWN_FIELD, None),
        ({"observed_at": to_rfc3339(NOW_NS + 7200 * NS_PER_S)}, RejectReason.CLOCK_AHEAD, "observed_at"),
        ({"observed_at": "yesterday"}, RejectReason.OUT_OF_RANGE, "observed_at"),
        ({"observed_at": "2025-10-03T00:00:00"}, RejectReason.OUT_OF_RANGE, "observed_at"),
        ({"observed_at": ...}, RejectReason.OUT_OF_RANGE, "observed_at"),
    ],
)
def test_a_bad_sample_is_named_and_its_neighbours_pass(changes, reason, field):
    passed = admit(sample(sequence=99), sample(**changes), sample(sequence=101))

    assert [(r.index, r.reason) for r in passed.rejected] == [(1, reason)]
    assert field is None or passed.rejected[0].field == field
    assert passed.accepted_count == 2
    assert passed.live["sequence"].tolist() == [99, 101]


def test_a_sample_is_refused_once_however_many_things_are_wrong_with_it():
    passed = admit(sample(terminal_id="ut-9", snr_db=999.0, state="dancing"))

    assert len(passed.rejected) == 1


@pytest.mark.parametrize("ahead_s", [0, 5])
def test_a_clock_up_to_five_seconds_ahead_is_let_in(ahead_s):
    assert admit(sample(observed_at=to_rfc3339(NOW_NS + ahead_s * NS_PER_S))).accepted_count == 1


def test_a_sample_behind_the_lateness_bound_is_stored():
    passed = admit(
        sample(observed_at=to_rfc3339(NOW_NS - 31 * NS_PER_S)), sample(observed_at_ns=NOW_NS, observed_at=...)
    )

    assert len(passed.stored["sequence"]) == len(passed.live["sequence"]) == 1
    assert passed.accepted_count == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"samples": 3}', b'{"samples": [{"snr_db": NaN}]}', b"\xff\xfe", b'{"points": []}'],
)
def test_a_body_that_is_no_batch_is_rejected_whole_with_a_way_out(body):
    rejected = GATE.admit(body, received_at_ns=NOW_NS)

    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.UNPARSEABLE
    assert "send" in rejected.detail


def test_an_empty_batch_is_no_error():
    assert admit().accepted_count == 0


def test_something_in_the_batch_that_is_no_object_is_one_rejection():
    passed = admit(sample(), 17)

    assert [(r.index, r.reason) for r in passed.rejected] == [(1, RejectReason.WRONG_TYPE)]
    assert passed.accepted_count == 1
