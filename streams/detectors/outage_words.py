"""What is said of outages: their causes, their parts, their times, as columns of events."""

from typing import NamedTuple

import numpy as np

from ingest.contract.columns import MISSING, Array
from ingest.contract.instants import NS_PER_S
from streams.contract.catalogue import codes
from streams.contract.events import pack_chain
from streams.contract.vocabulary import OutageCause
from streams.detectors import chain
from streams.detectors.outage_state import OutageState, Surroundings
from streams.knowledge import Knowledge

# What a terminal does by itself, whatever the sky, its gateway or its face do.
_ITS_OWN = (
    OutageCause.POWER, OutageCause.BOOTING, OutageCause.STOWED, OutageCause.THERMAL_SHUTDOWN, OutageCause.SLEEPING,
)  # fmt: skip
_POWER_LOSS = pack_chain([OutageCause.POWER, OutageCause.BOOTING])


class Outages(NamedTuple):
    """Outages about to be worded; several may be of one place."""

    place: Array
    start_ns: Array
    end_ns: Array
    satellite: Array
    gateway: Array
    chain: Array
    repeats: Array
    booted: Array
    context: Array
    expected: Array
    detached: Array


def outages_of(state: OutageState, where: Array) -> Outages:
    """Return the outages that are remembered of places."""
    return Outages(where, *(getattr(state, name)[where] for name in Outages._fields[1:]))


def words(outages: Outages) -> dict[str, Array]:
    """Return primary cause, chain and number of merged parts."""
    chains = outages.chain.copy()
    # A boot since says what a silence was: without power nothing is told.
    for row in np.flatnonzero(outages.booted != MISSING).tolist():
        chains[row] = chain.explain(int(chains[row]), _POWER_LOSS, only_silence=True)
    merged = chain.length(chains) + outages.repeats
    cause, context = chain.primary(chains), outages.context
    explained = (context == OutageCause.COVERAGE_GAP) | ((context >= 0) & ~np.isin(cause, _ITS_OWN))
    return {
        "cause": np.where(explained, context, cause).astype(np.int8),
        "cause_chain": np.where(explained, chain.prepend(chains, context), chains),
        "merged_count": merged.astype(np.int16),
    }


def _said(outages: Outages, around: Surroundings) -> dict[str, Array]:
    return {
        "place": outages.place, "started_at_ns": outages.start_ns, "from_satellite_index": outages.satellite,
        "from_gateway_index": outages.gateway, **words(outages), "expected": outages.expected,
        "detached": outages.detached, "slot_aligned": _aligned(around.knowledge, outages.start_ns),
    }  # fmt: skip


def _aligned(knowledge: Knowledge, start_ns: Array) -> Array:
    into_ns = start_ns - knowledge.slot_start_ns(start_ns)
    edge_ns = knowledge.thresholds.slot_edge_ns
    return ((into_ns <= edge_ns) | (knowledge.slot_length_ns - into_ns <= edge_ns)).astype(np.int8)


def started(outages: Outages, around: Surroundings) -> dict[str, Array]:
    """Say that outages have started."""
    said = _said(outages, around)
    del said["merged_count"]
    return {"event_code": codes("outage_started", len(outages.place)), **said}


def ended(outages: Outages, around: Surroundings, *, revision: int = 1) -> dict[str, Array]:
    """Say that outages have ended."""
    return {
        "event_code": codes("outage_ended", len(outages.place)), **_said(outages, around), **_span(outages),
        "revision": np.full(len(outages.place), revision, np.int16),
    }  # fmt: skip


def _span(outages: Outages) -> dict[str, Array]:
    duration_s = ((outages.end_ns - outages.start_ns) / NS_PER_S).astype(np.float32)
    return {"ended_at_ns": outages.end_ns, "duration_s": duration_s}


def some(outages: Outages, chosen: Array) -> Outages:
    """Return some of them."""
    return Outages(*(values[chosen] for values in outages))


def withdrawn(outages: Outages) -> dict[str, Array]:
    """Say that there was no outage."""
    return {
        "event_code": codes("outage_withdrawn", len(outages.place)), "place": outages.place,
        "started_at_ns": outages.start_ns, **_span(outages),
    }  # fmt: skip
