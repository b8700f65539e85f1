"""A dish's own list of outages beside ours: it may give ours a cause; what one-second samples cannot show is written apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.contract.instants import NS_PER_S, from_rfc3339, to_rfc3339
from ingest.contract.vocabulary import SubjectKind
from ingest.recorded.dish_history import DishOutages
from streams.contract.catalogue import KIND_BY_NAME, code_of
from streams.contract.events import event_id, event_keys
from streams.contract.vocabulary import OutageCause

# A dish's words that are not ours; what is in neither list is unknown.
_WORDS = {"NO_SATS": OutageCause.NO_SATELLITES, "SKY_SEARCH": OutageCause.SEARCHING}
# Our edges are whole seconds, and a run ends with the second in which its last ping was lost.
_SLACK_NS = 1 * NS_PER_S
# Seconds of loss in a row that our detector asks for; shorter than this and a second, 1 Hz may not show it.
_SHOWN_NS = 3 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Opinion:
    """The dish's list held against ours.

    Attributes:
        events: The dish's outages that are not among ours, with `source: dish`.
        agreement: Counts for the summary; None where the two clocks cannot be compared.
    """

    events: list[dict[str, Any]]
    agreement: dict[str, int] | None


def cause_of(word: str) -> OutageCause:
    """Return our word for the dish's."""
    return _WORDS.get(word) or OutageCause.__members__.get(word, OutageCause.UNKNOWN)


def compare(
    ours: list[dict[str, Any]], dish: DishOutages, span_ns: tuple[int, int] | None, terminal_id: str
) -> Opinion:
    """Hold the list against our events, which are given the dish's cause where they have none of their own.

    Args:
        ours: Our events; `outage_started` and `outage_ended` are changed in place.
        dish: The list.
        span_ns: First and last instant of the samples; None where their clock is not UTC.
        terminal_id: Whose they are.
    """
    apart = [_event(dish, row, terminal_id) for row in range(len(dish.cause))]
    if span_ns is None:
        return Opinion(apart, None)
    found = _outages(ours)
    matched = [_overlapping(found, dish, row) for row in range(len(dish.cause))]
    for row, starts in enumerate(matched):
        for started_at in starts:
            _explain(ours, started_at, cause_of(dish.cause[row]))
    inside = (dish.start_at_ns + dish.duration_ns > span_ns[0]) & (dish.start_at_ns < span_ns[1])
    alone = np.array([not starts for starts in matched], bool)
    short = dish.duration_ns < _SHOWN_NS
    agreement = {
        "dish_listed": len(dish.cause),
        "both": int((~alone).sum()),
        "dish_only_too_short_for_1_hz": int((alone & inside & short).sum()),
        "dish_only": int((alone & inside & ~short).sum()),
        "dish_outside_the_samples": int((alone & ~inside).sum()),
        "ours_only": len(found) - len({start for starts in matched for start in starts}),
    }
    return Opinion([event for event, is_alone in zip(apart, alone.tolist(), strict=True) if is_alone], agreement)


def _outages(ours: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return start and end of each of our outages, by its start as it is written; one that goes on has no end."""
    spans: dict[str, tuple[int, int]] = {}
    for event in ours:
        if event["kind"] == "outage_ended":
            spans[event["started_at"]] = from_rfc3339(event["started_at"]), from_rfc3339(event["ended_at"])
        elif event["kind"] == "outage_started":
            spans.setdefault(event["started_at"], (from_rfc3339(event["started_at"]), 2**62))
    return spans


def _overlapping(found: Mapping[str, tuple[int, int]], dish: DishOutages, row: int) -> list[str]:
    start_ns = int(dish.start_at_ns[row])
    end_ns = start_ns + int(dish.duration_ns[row])
    return [
        started_at
        for started_at, (first_ns, last_ns) in found.items()
        if start_ns < last_ns + _SLACK_NS and end_ns > first_ns - _SLACK_NS
    ]


def _explain(ours: list[dict[str, Any]], started_at: str, cause: OutageCause) -> None:
    if cause is OutageCause.UNKNOWN:
        return
    for event in ours:
        if event["started_at"] == started_at and event["kind"] in {"outage_started", "outage_ended"}:
            chain = [known for known in event.get("cause_chain", []) if known != "unknown"]
            if cause.name.lower() not in chain:
                chain.append(cause.name.lower())
            event["cause_chain"], event["cause"] = chain, chain[0]


def _event(dish: DishOutages, row: int, terminal_id: str) -> dict[str, Any]:
    start_ns, duration_ns = int(dish.start_at_ns[row]), int(dish.duration_ns[row])
    entry, cause = KIND_BY_NAME["outage_ended"], cause_of(dish.cause[row]).name.lower()
    columns = {
        "event_code": np.array([code_of(entry.kind)]),
        "subject_kind": np.array([int(SubjectKind.TERMINAL)]),
        "subject_index": np.zeros(1, np.int32),
        "started_at_ns": np.array([start_ns]),
    }
    key = bytes(event_keys(columns)[0])
    return {
        "event_id": event_id(key, 1),
        "event_key": key.hex(),
        "revision": 1,
        "kind": entry.kind,
        "detail_type": entry.detail_type,
        "severity": entry.severity.value,
        "subject_kind": "terminal",
        "subject_id": terminal_id,
        "started_at": to_rfc3339(start_ns),
        "ended_at": to_rfc3339(start_ns + duration_ns),
        "duration_s": duration_ns / NS_PER_S,
        "cause": cause,
        "cause_chain": [cause],
        "source": "dish",
    }
