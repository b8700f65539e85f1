"""Parts with different optional columns stack, and the layouts keep the house's rules about names and units."""

import re

import numpy as np
import pytest

from ingest.contract.columns import concatenate
from ingest.contract.telemetry import TERMINAL
from tests.ingest.contract.golden import frames

# Style section 7: a quantity ends in its unit; what has no unit is an index, an id, a flag or a word.
UNITS = (
    "ns", "ms", "s", "deg", "km", "kmps", "mps", "mmph", "bps", "db", "dbm", "hz", "w", "celsius", "ratio", "count",
    "index", "id", "total", "bytes",
)  # fmt: skip
# Numbers without a unit: what they are is in their description.
PLAIN = {"sequence", "modcod", "revision", "event_code", "threshold", "observed_value", "cause_chain", "drop_sum"}

# Design section 3, in its words.
OF_THE_DESIGN = [
    "terminal_index",
    "boot_count",
    "sequence",
    "observed_at_ns",
    "state",
    "serving_satellite_index",
    "beam_id",
    "gateway_index",
    "pop_index",
    "snr_db",
    "pop_ping_latency_ms",
    "pop_ping_drop_ratio",
    "downlink_throughput_bps",
    "uplink_throughput_bps",
    "downlink_bytes_total",
    "uplink_bytes_total",
    "tilt_angle_deg",
    "boresight_azimuth_deg",
    "boresight_elevation_deg",
    "attitude_uncertainty_deg",
    "attitude_converged",
    "desired_boresight_azimuth_deg",
    "desired_boresight_elevation_deg",
    "install_state",
    "address_index",
    "standby_underlay_state",
    "obstruction_ratio",
    "temperature_celsius",
    "power_w",
    "latitude_deg",
    "longitude_deg",
    "speed_mps",
    "modcod",
    "ethernet_speed_bps",
    "network_type",
    "active_underlay",
    "alerts",
    "encryption_state",
]


def test_a_terminal_frame_has_the_columns_of_the_design():
    assert list(TERMINAL.names()) == OF_THE_DESIGN


@pytest.mark.parametrize("layout", frames(), ids=lambda layout: layout.kind)
def test_every_number_ends_in_its_unit_and_every_column_is_described(layout):
    for column in layout.columns:
        is_flag = (column.minimum, column.maximum) == (0, 1) and column.numpy_type.kind == "i"
        if column.choices is None and column.dtype != "V16" and not is_flag and column.name not in PLAIN:
            assert re.search(rf"_({'|'.join(UNITS)})$", column.name), column.name
        assert column.description.endswith("."), column.name


def test_what_a_part_lacks_reads_as_null_and_empty_parts_do_not_count():
    one = {"sequence": np.array([1], np.int32), "snr_db": np.array([9.5], np.float32)}
    other = {"sequence": np.array([2, 3], np.int32), "gateway_index": np.array([4, 5], np.int32)}

    whole = concatenate([one, {}, other], TERMINAL)

    assert whole["sequence"].tolist() == [1, 2, 3]
    assert whole["gateway_index"].tolist() == [-1, 4, 5]
    assert np.array_equal(whole["snr_db"], [9.5, np.nan, np.nan], equal_nan=True)
    assert set(whole) == {"sequence", "snr_db", "gateway_index"}
    assert concatenate([{}], TERMINAL)["sequence"].tolist() == []
