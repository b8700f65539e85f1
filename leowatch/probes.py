"""What round trips alone tell: slots, handovers at their edges, and outages of two lost probes in a row."""

from typing import Any

import numpy as np

from ingest.contract.columns import MISSING, Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import SubjectKind
from ingest.recorded.ping import LostRuns
from streams.contract.catalogue import code_of
from streams.contract.detail import InventoryNames, details
from streams.contract.events import EVENT, event_keys, pack_chain
from streams.contract.vocabulary import HandoverClass, OutageCause
from streams.slot_edges import SlotEdges, SlotEstimate
from streams.thresholds import Thresholds


def slot_summary(estimate: SlotEstimate, *, has_phase: bool = True) -> dict[str, Any]:
    """Return what a summary says of slots; null is "cannot tell"."""
    return {
        "slot_length_s": estimate.slot_length_s,
        "slot_phase_s": estimate.slot_phase_s if has_phase else None,
        "boundary_to_mid_slot_ratio": estimate.boundary_to_mid_slot_ratio,
    }


def handovers(edges: SlotEdges, inventory: Inventory) -> list[dict[str, Any]]:
    """Return the boundaries at which the round trip stepped, as handovers of the one terminal."""
    columns = {
        **_about("handover", edges.fired_at_ns),
        "handover_class": np.full(len(edges.fired_at_ns), HandoverClass.SATELLITE, np.int8),
        "rtt_step_ms": edges.step_ms,
    }
    return _details(columns, inventory)


def outages(runs: LostRuns, estimate: SlotEstimate, inventory: Inventory) -> list[dict[str, Any]]:
    """Return outages from runs of lost probes; those at most 1 s apart are one."""
    limits = Thresholds()
    start_ns, end_ns, merged = _merge(runs, limits.merge_ns)
    cause = np.full(len(start_ns), OutageCause.NO_PINGS, np.int8)
    said: dict[str, Array] = {"cause": cause, "cause_chain": np.full(len(cause), pack_chain([OutageCause.NO_PINGS]))}
    if estimate.slot_length_s is not None and estimate.slot_phase_s is not None:
        length_ns, phase_ns = round(estimate.slot_length_s * NS_PER_S), round(estimate.slot_phase_s * NS_PER_S)
        into_ns = (start_ns - phase_ns) % length_ns
        near = (into_ns <= limits.slot_edge_ns) | (length_ns - into_ns <= limits.slot_edge_ns)
        said["slot_aligned"] = near.astype(np.int8)
    started = {**_about("outage_started", start_ns), **said}
    over = end_ns != MISSING
    ended = {
        **_about("outage_ended", start_ns[over]),
        **{name: values[over] for name, values in said.items()},
        "ended_at_ns": end_ns[over],
        "duration_s": (end_ns[over] - start_ns[over]) / NS_PER_S,
        "merged_count": merged[over],
    }
    return _details(started, inventory) + _details(ended, inventory)


def _merge(runs: LostRuns, merge_ns: int) -> tuple[Array, Array, Array]:
    """Return start, end and number of runs of each outage."""
    count = len(runs.start_at_ns)
    if not count:
        return runs.start_at_ns, runs.end_at_ns, np.empty(0, np.int16)
    first = np.ones(count, bool)
    first[1:] = runs.start_at_ns[1:] - runs.end_at_ns[:-1] > merge_ns
    begins = np.flatnonzero(first)
    ends = np.append(begins[1:], count) - 1
    return runs.start_at_ns[begins], runs.end_at_ns[ends], (ends - begins + 1).astype(np.int16)


def _about(kind: str, started_at_ns: Array) -> dict[str, Array]:
    count = len(started_at_ns)
    return {
        "revision": np.ones(count, np.int16),
        "event_code": np.full(count, code_of(kind), np.int16),
        "subject_kind": np.full(count, SubjectKind.TERMINAL, np.int8),
        "subject_index": np.zeros(count, np.int32),
        "started_at_ns": started_at_ns,
    }


def _details(columns: dict[str, Array], inventory: Inventory) -> list[dict[str, Any]]:
    typed = {name: values.astype(EVENT.column(name).numpy_type) for name, values in columns.items()}
    return list(details({"event_key": event_keys(typed), **typed}, InventoryNames(inventory)))
