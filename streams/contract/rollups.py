"""Rollups: a shard's partial of a window, the merged whole, and service-level seconds; percentiles come from buckets only."""

import msgspec

from ingest.contract.columns import Column, Layout
from ingest.contract.telemetry import EARLIEST_AT_NS, INDEX_LIMIT, LATEST_AT_NS
from ingest.contract.vocabulary import TerminalModel

WINDOW_S = 60
# Prometheus buckets in seconds (domain section 9a), here in milliseconds; the last one is open.
RTT_BUCKETS_MS = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0, float("inf"))
DWELL_BUCKETS_S = (15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 120.0, 180.0, 240.0, float("inf"))


class RollupHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata of a partial (with its shard) or of a whole (shard -1).

    Attributes:
        revision: A whole replaces the one before. A partial is what is new since the revision before it, so one that takes
            something back has values below zero; the first one comes when the shard's watermark passes the window, with or
            without rows. Corrections come for 2 h.
        part: Which of the frames of a partial it is; a whole's frames have different rows, and need no number.
        part_count: How many they are.
    """

    kind: str
    version: int
    window_start_ns: int
    window_end_ns: int
    shard: int = -1
    shard_count: int = 0
    revision: int = 1
    part: int = 0
    part_count: int = 1


def bucket_name(limit_ms: float) -> str:
    """Return the column of a bucket: the count of samples at most this high and above the bucket before."""
    return "rtt_le_inf_count" if limit_ms == float("inf") else f"rtt_le_{int(limit_ms)}ms_count"


def _count(name: str, description: str) -> Column:
    return Column(name=name, dtype="i8", minimum=0, description=description)


ROLLUP = Layout(
    kind="rollup",
    version=1,
    description="One window of the terminals of one gateway, PoP and model.",
    columns=(
        Column(name="window_start_ns", dtype="i8", required=True, minimum=EARLIEST_AT_NS, maximum=LATEST_AT_NS, description="First instant of the window, by observed time."),
        Column(name="gateway_index", dtype="i4", required=True, minimum=-1, maximum=INDEX_LIMIT, description="Serving gateway; -1 for none."),
        Column(name="pop_index", dtype="i4", required=True, minimum=-1, maximum=INDEX_LIMIT, description="Serving PoP; -1 for none."),
        Column(name="model", dtype="i1", required=True, choices=TerminalModel, description="Terminal hardware."),
        _count("samples_count", "Samples."),
        _count("rtt_count", "Samples with a round trip."),
        Column(name="rtt_sum_ms", dtype="f8", minimum=0, description="Sum of round trips."),
        Column(name="rtt_min_ms", dtype="f4", minimum=0, description="Lowest round trip."),
        Column(name="rtt_max_ms", dtype="f4", minimum=0, description="Highest round trip."),
        *(_count(bucket_name(limit), f"Round trips up to {limit} ms and above the bucket before.") for limit in RTT_BUCKETS_MS),
        Column(name="drop_sum", dtype="f8", minimum=0, description="Sum of drop ratios; divide by samples."),
        Column(name="downlink_bytes", dtype="f8", minimum=0, description="Volume towards terminals."),
        Column(name="uplink_bytes", dtype="f8", minimum=0, description="Volume from terminals."),
        _count("handovers_count", "Handovers."),
        Column(name="good_s", dtype="f8", minimum=0, description="Terminal-seconds with service."),
        Column(name="bad_s", dtype="f8", minimum=0, description="Terminal-seconds without, not expected."),
        Column(name="expected_bad_s", dtype="f8", minimum=0, description="Terminal-seconds without, foreseen by the plan or a maintenance window."),
        Column(name="unknown_s", dtype="f8", minimum=0, description="Terminal-seconds of which we know nothing; turns bad once detachment confirms it."),
    ),
)  # fmt: skip

ROLLUP_LAYOUTS = {ROLLUP.kind: ROLLUP}
