"""Builders of what tests feed the rooms: inventories, plans and frames, with a plausible default for every field."""

import numpy as np

from ingest.contract.columns import MISSING, row_count
from ingest.contract.frame import Frame, TelemetryHeader
from ingest.contract.inventory import Deployment, Gateway, Inventory, Pop, Satellite, Tenant, Terminal
from ingest.contract.plan import PLAN, PlanHeader
from ingest.contract.telemetry import ATTACHMENT, LAYOUTS, TERMINAL
from streams.knowledge import Knowledge
from streams.plan_book import PlanBook

S = 1_000_000_000
# 2025-10-03T00:00:00Z, the start of simulated time; a multiple of the slot length.
START_NS = 1_759_449_600 * S
SLOT_NS = 30 * S

SAMPLE = {
    "terminal_index": 0, "boot_count": 1, "sequence": 0, "observed_at_ns": START_NS, "state": 1,
    "serving_satellite_index": 1, "beam_id": 1, "gateway_index": 1, "pop_index": 1, "pop_ping_latency_ms": 30.0,
    "pop_ping_drop_ratio": 0.0, "tilt_angle_deg": 10.0, "boresight_azimuth_deg": 20.0, "boresight_elevation_deg": 80.0,
    "attitude_uncertainty_deg": 0.5, "attitude_converged": 1, "desired_boresight_azimuth_deg": 20.0,
    "desired_boresight_elevation_deg": 80.0, "downlink_bytes_total": 0, "uplink_bytes_total": 0,
}  # fmt: skip


def inventory(count=4, *, shard_count=1, version=1, terminals=None):
    """Return an inventory; `terminals` maps an index to fields that differ from the default."""
    fields = terminals or {}
    default = {"cadence_s": 1.0, "cell_id": 7, "aligned_tilt_deg": 10.0, "aligned_azimuth_deg": 20.0}
    return Inventory([
        Deployment(version=version, shard_count=shard_count),
        Tenant(tenant_id="tenant-0", tenant_index=0),
        *(
            Terminal(terminal_id=f"t{i}", terminal_index=i, tenant_index=0, **(default | fields.get(i, {})))
            for i in range(count)
        ),
        *(Satellite(satellite_id=f"s{i}", satellite_index=i, shell="a") for i in range(10)),
        *(Gateway(gateway_id=f"g{i}", gateway_index=i, pop_index=i % 2) for i in range(4)),
        *(Pop(pop_id=f"p{i}", pop_index=i) for i in range(3)),
    ])  # fmt: skip


def plan_frame(slot, satellites, *, version=1, terminals=(), from_s=0.0, published_s=-30.0):
    """Return one slot's plan: satellite by cell, and (terminal, satellite) where terminals are singled out.

    `from_s` and `published_s` count from the slot's start.
    """
    rows = [(cell, -1, satellite) for cell, satellite in satellites.items()] + [(-1, t, s) for t, s in terminals]
    start_ns = START_NS + slot * SLOT_NS
    header = PlanHeader(
        kind="plan", version=1, plan_version=version, slot_start_ns=start_ns, slot_end_ns=start_ns + SLOT_NS,
        valid_from_ns=start_ns + round(from_s * S), published_at_ns=start_ns + round(published_s * S),
    )  # fmt: skip
    count = len(rows)
    columns = {c.name: np.zeros(count, c.numpy_type) for c in PLAN.columns}
    for name, values in zip(("cell_id", "terminal_index", "satellite_index"), zip(*rows, strict=True), strict=True):
        columns[name] = np.array(values, PLAN.column(name).numpy_type)
    columns["gateway_index"] = np.ones(count, np.int32)
    return header, columns


def knowledge(count=4, *, shard_count=1, plan=None, replans=(), terminals=None, maintenance=()):
    """Return what a workshop knows; `plan` maps a slot's number to satellite by cell, `replans` are frames of their own."""
    book = PlanBook()
    for slot, satellites in (plan or {}).items():
        book.add(*plan_frame(slot, satellites))
    for replan in replans:
        book.add(*replan)
    return Knowledge(inventory(count, shard_count=shard_count, terminals=terminals), book, maintenance=maintenance)


def columns(samples, layout=TERMINAL, default=None):
    """Return dictionaries as columns."""
    base = SAMPLE if default is None else default
    return {name: np.array([(base | s)[name] for s in samples], layout.column(name).numpy_type) for name in base}


def frame(samples, received_s, *, kind=TERMINAL, producer="door-1", **header):
    """Return a frame of samples (dictionaries over `SAMPLE`), received so many seconds after the start."""
    default = None if kind is TERMINAL else attachment(0, 0, 1)
    made = columns(samples, kind, default) if samples else {}
    head = TelemetryHeader(
        kind=kind.kind, version=1, received_at_ns=START_NS + round(received_s * S), producer_id=producer,
        producer_sequence=0, **({"plan_version": 1, "shard_count": 1, "inventory_version": 1} | header),
    )  # fmt: skip
    return Frame(header=head, layout=kind, columns=made, rows=row_count(made))


def tick(received_s, **header):
    """Return a frame without rows."""
    return frame([], received_s, **header)


def attachments(records, received_s, **header):
    """Return a frame of (terminal, seconds after the start, attached) and perhaps gateway and reason."""
    return frame([attachment(*record) for record in records], received_s, kind=ATTACHMENT, **header)


def attachment(terminal, at_s, attached, gateway=1, reason=MISSING):
    """Return an attach or detach record."""
    return {
        "terminal_index": terminal, "observed_at_ns": START_NS + round(at_s * S), "attached": attached,
        "gateway_index": gateway, "detach_reason": reason,
    }  # fmt: skip


def sample(at_s, **fields):
    """Return a sample observed so many seconds after the start; its sequence is the whole second unless given."""
    return {"observed_at_ns": START_NS + round(at_s * S), "sequence": int(at_s), **fields}


# A row of each of the network's own frames that has nothing to say.
HEALTHY = {
    "satellite": {"satellite_index": 0, "lifecycle": 2, "thrusting": 0},
    "laser": {"satellite_index": 0, "direction": 0, "laser_state": 2, "peer_satellite_index": 1},
    "satellite_beam": {"satellite_index": 0, "beam_id": 0, "cell_id": 0x8526B16BFFFFFFF, "beam_on": 1, "load_ratio": 0.4},
    "gateway": {
        "gateway_index": 0, "antennas_in_service_count": 8, "antennas_total_count": 8, "fibre_a_up": 1,
        "fibre_b_up": 1, "terminals_attached_count": 40, "macsec_state": 0,
    },
    "pop": {"pop_index": 0, "pair_in_service_count": 2, "mitigation_state": 0},
    "pop_egress": {"pop_index": 0, "egress": 0, "loss_ratio": 0.0, "invalid_routes_count": 0},
    "pop_attachment": {
        "pop_index": 0, "tenant_index": 0, "attachment_kind": 0, "attachment_up": 1, "bgp_up": 1,
        "cidr_used_ratio": 0.1,
    },
}  # fmt: skip


def network_frame(kind, rows, received_s, **header):
    """Return a frame of one of the network's own kinds; rows are dictionaries over `HEALTHY`, each with its `at_s`."""
    layout = LAYOUTS[kind]
    told = [
        {"observed_at_ns": START_NS + round(row["at_s"] * S)} | {k: v for k, v in row.items() if k != "at_s"}
        for row in rows
    ]
    made = columns(told, layout, {"observed_at_ns": START_NS} | HEALTHY[kind]) if rows else {}
    head = TelemetryHeader(
        kind=kind, version=1, received_at_ns=START_NS + round(received_s * S), producer_id="feed", producer_sequence=0,
        **header,
    )  # fmt: skip
    return Frame(header=head, layout=layout, columns=made, rows=row_count(made))
