"""A shard's part of each window: what samples measured and how their terminals were served, said once and then corrected.

A window is said when the shard's watermark passes it, with or without something to say, so that whoever adds the shards
knows that all are in. What changes it later is said as a difference, at most every ten seconds of the shard's clock. What is
said, and when, is a function of the shard's log alone: a shard that is read again says the same under the same revision.
"""

from collections.abc import Iterable

import msgspec
import numpy as np
from msgspec.structs import replace

from ingest.contract.columns import Array, Columns, row_count, take
from ingest.contract.instants import NS_PER_S
from streams import daybook as daybooks
from streams import ledger as ledgers
from streams import measures, service_seconds
from streams.contract.catalogue import code_of
from streams.contract.rollups import ROLLUP, RollupHeader
from streams.contract.vocabulary import Conformance
from streams.daybook import Daybook
from streams.detectors.outage_state import OutageState
from streams.knowledge import Knowledge
from streams.ledger import NEVER, Ledger
from streams.measures import MeasuresState, group_codes
from streams.rollup_lines import CORRECTION_NS, WINDOW_NS, Lines, parted, to_columns
from streams.sequencer import Layer
from streams.service_seconds import ServiceState, Serving

READS = frozenset({"downlink_bytes_total", "uplink_bytes_total"})
_HANDOVER = code_of("handover")
CORRECT_EVERY_NS = 10 * NS_PER_S

Said = list[tuple[RollupHeader, dict[str, Array]]]


class Accounts(msgspec.Struct, frozen=True, eq=False):
    """Everything that goes into a shard's partials."""

    measures: MeasuresState
    service: ServiceState
    ledger: Ledger
    daybook: Daybook = Daybook()


def new_state(places: int) -> Accounts:
    """Return accounts of which nothing is booked."""
    return Accounts(measures.new_state(places), service_seconds.new_state(places), ledgers.new_ledger())


def measure(
    state: Accounts, columns: Columns, at: Array | slice, knowledge: Knowledge, shard: int, clock_ns: int
) -> Accounts:
    """Count a frame's samples: live or stored, early or late, each once."""
    counted, ledger, new = measures.measure(state.measures, state.ledger, columns, at, knowledge, shard, clock_ns)
    daybook = replace(state.daybook, samples=(*state.daybook.samples, new)) if row_count(new) else state.daybook
    state = Accounts(counted, state.service, ledger, daybook)
    return posted(state) if daybook.is_full else state


def posted(state: Accounts) -> Accounts:
    """Return accounts whose ledger has everything."""
    return Accounts(state.measures, state.service, daybooks.post(state.daybook, state.ledger))


def follow(
    state: Accounts, layer: Layer, before: tuple[Array, ...], after: tuple[Array, ...], out: OutageState,
    events: Iterable[dict[str, Array]], knowledge: Knowledge, shard: int,
) -> Accounts:  # fmt: skip
    """Take in that a layer has gone on through the detectors, and what they noticed.

    Args:
        state: Before.
        layer: The samples.
        before: Satellite, beam, gateway and PoP of every place before it.
        after: The same after it.
        out: What the outage detector remembers now.
        events: What was noticed, in order.
        knowledge: Inventory.
        shard: Whose terminals.
    """
    events = list(events)
    was = Serving(before[2], before[3])
    service, ledger = service_seconds.follow(
        state.service, state.ledger, layer, was, Serving(after[2], after[3]), out, knowledge, shard
    )
    if events:
        service, ledger = service_seconds.hear(service, ledger, events, was, knowledge, shard)
    state = replace(state, service=service, ledger=ledger)
    for part in events:
        if len(part["place"]) and part["event_code"][0] == _HANDOVER:
            state = _count_handovers(state, part, knowledge, shard)
    return state


def pass_time(
    state: Accounts, serving: tuple[Array, ...], out: OutageState, events: Iterable[dict[str, Array]], blind: Array,
    clock_ns: int, knowledge: Knowledge, shard: int,
) -> tuple[Accounts, Said]:  # fmt: skip
    """Let the shard's clock speak: what silence means is booked, windows that are over are said, others corrected."""
    over_ns = (clock_ns - knowledge.thresholds.lateness_ns) // WINDOW_NS * WINDOW_NS
    corrects = clock_ns // CORRECT_EVERY_NS * CORRECT_EVERY_NS > state.ledger.corrected_ns[0]
    if corrects or state.ledger.closed_ns[0] < over_ns:
        state = posted(state)
    ledger, now = state.ledger, Serving(serving[2], serving[3])
    if ledger.closed_ns[0] == NEVER:
        ledger = replace(ledger, opened_ns=np.array([over_ns]), closed_ns=np.array([over_ns]))
    service, ledger = service_seconds.hear(state.service, ledger, events, now, knowledge, shard)
    if blind.any():
        service, ledger = service_seconds.go_blind(service, ledger, blind, out, now, knowledge, shard)
    said: Said = []
    counted = state.measures
    while ledger.closed_ns[0] < over_ns:
        if over_ns - ledger.closed_ns[0] > CORRECTION_NS and not (ledger.windows_ns >= ledger.closed_ns[0]).any():
            # The log stood still for hours, or a clock leapt: nobody waits for the windows of that time.
            ledger = replace(
                ledger, opened_ns=np.array([over_ns - CORRECTION_NS]), closed_ns=np.array([over_ns - CORRECTION_NS])
            )
        window_ns = int(ledger.closed_ns[0])
        service, ledger = service_seconds.close(service, ledger, now, knowledge, shard)
        counted = measures.forget(counted, clock_ns)
        ledger, lines = ledgers.take_out(ledger, window_ns)
        ledger, parts = _say(ledger, window_ns, lines, knowledge.inventory.shard_count, shard)
        said += parts
    if corrects:
        ledger, parts = _correct(ledger, clock_ns, knowledge.inventory.shard_count, shard)
        said += parts
    return Accounts(counted, service, ledger, state.daybook), said


def _count_handovers(state: Accounts, part: dict[str, Array], knowledge: Knowledge, shard: int) -> Accounts:
    """Count handovers where they led to; one that was missed did not happen."""
    happened = part["conformance"] != Conformance.MISSED
    part = part if happened.all() else take(part, happened)
    if not len(part["place"]):
        return state
    codes = group_codes(part["to_gateway_index"], part["to_pop_index"], part["place"], knowledge, shard)
    ledger, groups = ledgers.group(state.ledger, codes)
    those = {"at_ns": part["started_at_ns"], "group": groups}
    daybook = replace(state.daybook, handovers=(*state.daybook.handovers, those))
    return replace(state, ledger=ledger, daybook=daybook)


def _correct(ledger: Ledger, clock_ns: int, shard_count: int, shard: int) -> tuple[Ledger, Said]:
    """Say what has changed of windows that were said, and forget those that are past correction."""
    said: Said = []
    for window_ns in sorted(ledger.windows_ns[ledger.windows_ns < ledger.closed_ns[0]].tolist()):
        ledger, lines = ledgers.take_out(ledger, window_ns)
        if lines is not None:
            ledger, parts = _say(ledger, window_ns, lines, shard_count, shard)
            said += parts
    kept = ledger.revised_ns >= ledgers.earliest_ns(ledger)
    corrected_ns = np.array([clock_ns // CORRECT_EVERY_NS * CORRECT_EVERY_NS])
    return replace(
        ledger, corrected_ns=corrected_ns, revised_ns=ledger.revised_ns[kept], revisions=ledger.revisions[kept]
    ), said  # fmt: skip


def _say(ledger: Ledger, window_ns: int, lines: Lines | None, shard_count: int, shard: int) -> tuple[Ledger, Said]:
    """Put what a window has to say into frames under its next revision."""
    known = ledger.revised_ns == window_ns
    if known.any():
        ledger = replace(ledger, revisions=ledger.revisions + known)
    else:
        ledger = replace(
            ledger, revised_ns=np.append(ledger.revised_ns, window_ns), revisions=np.append(ledger.revisions, 1)
        )
    header = RollupHeader(
        kind=ROLLUP.kind, version=ROLLUP.version, window_start_ns=window_ns, window_end_ns=window_ns + WINDOW_NS,
        shard=shard, shard_count=shard_count, revision=int(ledger.revisions[ledger.revised_ns == window_ns][0]),
    )  # fmt: skip
    return ledger, list(parted(header, {} if lines is None else to_columns(window_ns, lines)))
