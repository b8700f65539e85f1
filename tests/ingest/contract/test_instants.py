"""An instant goes to RFC 3339 and back without losing a nanosecond; what is no instant is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.instants import from_rfc3339, to_rfc3339
from ingest.contract.telemetry import EARLIEST_AT_NS, LATEST_AT_NS

AT_NS = 1_759_449_600_000_000_000


@given(st.integers(EARLIEST_AT_NS, LATEST_AT_NS))
def test_an_instant_survives_the_round_trip(at_ns):
    assert from_rfc3339(to_rfc3339(at_ns)) == at_ns


@given(st.integers(EARLIEST_AT_NS, LATEST_AT_NS))
def test_the_text_is_rfc_3339_in_utc_and_has_no_idle_zero(at_ns):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z", to_rfc3339(at_ns))


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("2025-10-03T00:00:00Z", AT_NS),
        ("2025-10-03T00:00:00.000000001Z", AT_NS + 1),
        ("2025-10-03T02:00:00.5+02:00", AT_NS + 500_000_000),
        ("2025-10-02T18:30:00.25-05:30", AT_NS + 250_000_000),
    ],
)
def test_an_offset_is_taken_off(text, at_ns):
    assert from_rfc3339(text) == at_ns


@pytest.mark.parametrize(
    "text", ["", "noon", "2025-10-03", "2025-10-03T00:00:00", "2025-13-03T00:00:00Z", "2025-10-03T00:00:00,5Z"]
)
def test_what_is_no_instant_or_names_no_offset_is_refused(text):
    with pytest.raises(ValueError):
        from_rfc3339(text)
