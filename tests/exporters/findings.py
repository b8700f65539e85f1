"""Builders of what the workshop says, with a plausible default for everything."""

import itertools

import msgspec
import numpy as np

from exporters.directory import FixedDirectory
from ingest.contract.bus import Message
from ingest.contract.frame import encode
from ingest.contract.inventory import Deployment, Gateway, Inventory, Pop, Satellite, Tenant, Terminal
from ingest.contract.topics import shard_key
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.detail import encode_detail
from streams.contract.events import EVENT, EventHeader, event_keys
from streams.contract.incidents import Incident, Opening, encode_incident
from streams.contract.rollups import ROLLUP, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, INCIDENTS, NETWORK_EVENTS, TERMINAL_EVENTS
from streams.contract.vocabulary import Audience, IncidentState, Severity

NOON_NS = 1_759_492_800_000_000_000  # 2025-10-03T12:00:00Z
NOON = "2025-10-03T12:00:00Z"
S = 1_000_000_000


def an_inventory(terminals=8, gateways=3):
    return Inventory(
        [
            Deployment(version=1, shard_count=2),
            Tenant(tenant_id="acme", tenant_index=0),
            *(Terminal(terminal_id=f"t-{i}", terminal_index=i, tenant_index=0) for i in range(terminals)),
            *(Satellite(satellite_id=str(60_000 + i), satellite_index=i, shell="k1") for i in range(4)),
            *(Gateway(gateway_id=f"gw-{i}", gateway_index=i, pop_index=0) for i in range(gateways)),
            Pop(pop_id="fra", pop_index=0),
        ]
    )


def a_directory(**how):
    return FixedDirectory(an_inventory(**how))


def an_event(kind="outage_started", terminal=3, at_s=0.0, revision=1, **columns):
    """Return one row of an event frame."""
    return {
        "revision": revision,
        "event_code": code_of(kind),
        "subject_kind": int(SubjectKind.TERMINAL),
        "subject_index": terminal,
        "started_at_ns": NOON_NS + int(at_s * S),
        **columns,
    }


def a_frame(*events, shard=0, clock_s=60.0, shard_count=2, **header):
    """Return the bytes of an event frame; without events it is a tick."""
    clock_ns = NOON_NS + int(clock_s * S)
    said = EventHeader(
        kind="event", version=1, shard=shard, shard_count=shard_count, clock_ns=clock_ns,
        watermark_ns=clock_ns - 30 * S, **header,
    )  # fmt: skip
    names = {name for event in events for name in event}
    columns = {}
    for name in names:
        column = EVENT.column(name)
        columns[name] = np.array([event.get(name, column.nulls(1)[0]) for event in events], column.numpy_type)
    if events:
        columns["event_key"] = event_keys(columns)
    return encode(said, EVENT, columns)


def key_of(event):
    """Return the key of one row, in hex."""
    columns = {name: np.array([value], EVENT.column(name).numpy_type) for name, value in event.items()}
    return event_keys(columns)[0].tobytes().hex()


def a_detail(kind="gateway_isolated", subject="gw-1", key="ab" * 16, revision=1, **fields):
    """Return the JSON of a network event."""
    return encode_detail(
        {
            "event_id": f"{key}.{revision}", "event_key": key, "revision": revision, "kind": kind,
            "detail_type": "GatewayIsolated", "severity": "critical", "subject_kind": "gateway", "subject_id": subject,
            "started_at": NOON, **fields,
        }
    )  # fmt: skip


def an_incident(**changes):
    whole = Incident(
        incident_id="inc-0123456789abcdef", revision=1, state=IncidentState.OPEN, severity=Severity.CRITICAL,
        audience=Audience.NOC_PAGE, root_kind=SubjectKind.GATEWAY, root_id="gw-1", root_index=1,
        cause="gateway_isolated", title="Gateway gw-1 carries no traffic", started_at=NOON, opened_at=NOON,
        changed_at=NOON, page_at=NOON, terminals_affected_count=5,
        opening=Opening(cause="gateway_isolated", severity=Severity.CRITICAL, audience=Audience.NOC_PAGE),
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def a_rollup(minute=0, gateway=1, revision=1, **columns):
    """Return the bytes of one window of one gateway."""
    start_ns = NOON_NS + minute * 60 * S
    header = RollupHeader(
        kind="rollup", version=1, window_start_ns=start_ns, window_end_ns=start_ns + 60 * S, revision=revision
    )
    row = {
        "window_start_ns": start_ns, "gateway_index": gateway, "pop_index": 0, "model": 1, "samples_count": 60,
        "rtt_count": 60, "rtt_sum_ms": 1800.0, "rtt_min_ms": 25.0, "rtt_max_ms": 40.0, "rtt_le_30ms_count": 50,
        "rtt_le_40ms_count": 10, "good_s": 58.0, "bad_s": 2.0, "expected_bad_s": 0.0, "unknown_s": 0.0, "drop_sum": 2.0,
        "handovers_count": 2, **columns,
    }  # fmt: skip
    return encode(header, ROLLUP, {n: np.array([v], ROLLUP.column(n).numpy_type) for n, v in row.items()})


class Log:
    """A topic's records, numbered as Kafka does."""

    def __init__(self):
        self._offsets = {}

    def message(self, topic, value, key=b"", partition=0, at_s=60.0):
        place = topic.name, partition
        counter = self._offsets.setdefault(place, itertools.count())
        return Message(
            topic=topic.name, partition=partition, offset=next(counter), key=key, value=value,
            timestamp_ms=NOON_NS // 1_000_000 + int(at_s * 1000),
        )  # fmt: skip

    def events(self, *events, shard=0, clock_s=60.0, **header):
        value = a_frame(*events, shard=shard, clock_s=clock_s, **header)
        return self.message(TERMINAL_EVENTS, value, shard_key(shard), partition=shard, at_s=clock_s)

    def network(self, value=None, **fields):
        return self.message(NETWORK_EVENTS, a_detail(**fields) if value is None else value)

    def incident(self, **changes):
        incident = an_incident(**changes)
        return self.message(INCIDENTS, encode_incident(incident), incident.incident_id.encode())

    def rollup(self, **columns):
        return self.message(GATEWAY_ROLLUPS, a_rollup(**columns))
