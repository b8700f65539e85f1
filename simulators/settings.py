"""What a run of the sky may be told."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ingest.contract.instants import NS_PER_S

DEFAULT_START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z, the day of the shipped element sets


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One run; equal settings give equal bytes.

    Attributes:
        terminals: Number of terminals.
        minutes: Simulated length.
        seed: Of everything random.
        scenario: A shipped scenario's name, or the path of a scenario file.
        start_at_ns: First simulated instant; cut down to a whole second.
        shard_count: A power of two and a multiple of the partition count.
        partition_count: Of the terminals' topic.
        producer_id: How this door names itself in its frames.
        tenant_count: Customers that the terminals are spread over.
        edge_ratio: Share of the terminals that stand at the edge of service, where geometry itself makes outages.
        published_layer: Whether the published element sets fly along; they carry no traffic.
        plan_ahead_s: How long before its slot a plan is published.
        constellation: `full-3236`, `phase1-578`, `preview-153`, shells such as `D:630:51.9:1156/34/3` joined with `+`,
            or the path of a file of element sets.
        gateways: How many gateways are built; those that bring the most cities into reach come first.
        slot_length_s: Seconds between reallocations.
        slot_phase_s: Offset of their boundaries from the Unix epoch.
    """

    terminals: Annotated[int, Meta(ge=1, le=2_000_000)] = 2_000
    minutes: Annotated[float, Meta(gt=0)] = 15.0
    seed: Annotated[int, Meta(ge=0)] = 1
    scenario: str = "bad_day"
    start_at_ns: int = DEFAULT_START_AT_NS
    shard_count: int = 16
    partition_count: int = 4
    producer_id: str = "sky"
    tenant_count: Annotated[int, Meta(ge=1)] = 8
    edge_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.02
    published_layer: bool = True
    plan_ahead_s: int = 600
    constellation: str = "full-3236"
    gateways: Annotated[int, Meta(ge=1, le=307)] = 214
    slot_length_s: Annotated[int, Meta(ge=1, le=600)] = 30
    slot_phase_s: Annotated[int, Meta(ge=0, lt=600)] = 0

    @property
    def first_at_ns(self) -> int:
        """The start, at a whole second."""
        return self.start_at_ns - self.start_at_ns % NS_PER_S

    @property
    def second_count(self) -> int:
        """How many seconds are simulated."""
        return max(1, round(self.minutes * 60))
