"""Tilt events held against where each face really pointed."""

from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd

from leowatch.score.bounds import quantiles, rate
from leowatch.score.files import NONE_NS
from leowatch.score.matching import NS_PER_S, Array, Spans, is_taken, one_to_one, overlaps
from leowatch.score.outages import EventScore
from leowatch.score.tolerances import Tolerances


class Episodes(NamedTuple):
    """Times in which a face was off its reference; each is a span, how far off at most, and whether it ended."""

    spans: Spans
    most_deg: Array
    ended: Array


class TiltScore(msgspec.Struct, frozen=True, kw_only=True):
    """Warnings answer any episode, criticals those of a face knocked over; a suspicion is judged on precision alone."""

    tilt_warning: EventScore
    tilt_critical: EventScore
    tilt_disturbed: EventScore
    tilt_restored: EventScore


def episodes(attitude: dict[str, Array], run_end_ns: int, tolerances: Tolerances) -> Episodes:
    """Cut the truth's step function into episodes above the warning angle, the first row being the reference."""
    order = np.lexsort((attitude["at_ns"], pd.factorize(attitude["terminal_id"])[0]))
    owners, at_ns = attitude["terminal_id"][order], attitude["at_ns"][order]
    if order.size == 0:
        none = np.zeros(0, dtype=np.int64)
        return Episodes(Spans(owners, none, none), none.astype(float), none.astype(bool))
    opens = np.ones(order.size, dtype=bool)
    opens[1:] = owners[1:] != owners[:-1]
    facing = _facing(attitude["tilt_angle_deg"][order], attitude["boresight_azimuth_deg"][order])
    reference = facing[np.flatnonzero(opens)[np.cumsum(opens) - 1]]
    off_deg = np.degrees(np.arccos(np.clip(np.sum(facing * reference, axis=1), -1, 1)))
    closes = np.append(opens[1:], True)
    until_ns = np.where(closes, run_end_ns, np.append(at_ns[1:], run_end_ns))
    off = off_deg > tolerances.tilt_warning_deg
    begins = off & (opens | ~np.append(False, off[:-1]))
    firsts = np.flatnonzero(begins)
    lasts = np.flatnonzero(off & (closes | ~np.append(off[1:], False)))
    # reduceat needs pairs of bounds; the odd ones (from a last to the next first) are thrown away.
    bounds = np.column_stack([firsts, lasts + 1]).ravel()
    most_deg = np.maximum.reduceat(np.append(off_deg, 0.0), bounds)[::2] if bounds.size else np.zeros(0)
    found = Episodes(Spans(owners[firsts], at_ns[firsts], until_ns[lasts]), most_deg, ~closes[lasts])
    return _held(found, tolerances)


def _facing(tilt_deg: Array, azimuth_deg: Array) -> Array:
    tilt, azimuth = np.radians(tilt_deg.astype(float)), np.radians(azimuth_deg.astype(float))
    return np.column_stack([np.sin(tilt) * np.sin(azimuth), np.sin(tilt) * np.cos(azimuth), np.cos(tilt)])


def _held(found: Episodes, tolerances: Tolerances) -> Episodes:
    hold_s = np.where(
        found.most_deg > tolerances.tilt_critical_deg, tolerances.tilt_critical_hold_s, tolerances.tilt_warning_hold_s
    )
    long = found.spans.ends_ns - found.spans.starts_ns >= hold_s * NS_PER_S
    return Episodes(found.spans.only(long), found.most_deg[long], found.ended[long])


def score_tilt(true: Episodes, events: dict[str, Array], tolerances: Tolerances) -> TiltScore:
    """Score each of the four kinds."""
    over = true.most_deg > tolerances.tilt_critical_deg
    every = np.ones(over.size, dtype=bool)
    ends = Episodes(Spans(true.spans.owners, true.spans.ends_ns, true.spans.ends_ns), true.most_deg, true.ended)
    return TiltScore(
        # A face knocked over need not be warned of first, and a slighter one may be critical where service suffers.
        tilt_warning=_score(true, ~over, events, ("tilt_warning", "tilt_critical"), "tilt_warning", tolerances),
        tilt_critical=_score(true, over, events, ("tilt_critical",), "tilt_critical", tolerances),
        tilt_disturbed=_score(true, ~every, events, ("tilt_disturbed",), "tilt_disturbed", tolerances),
        tilt_restored=_score(ends, true.ended, events, ("tilt_restored",), "tilt_restored", tolerances),
    )


def _score(
    true: Episodes, due: Array, events: dict[str, Array], answers: tuple[str, ...], kind: str, tolerances: Tolerances
) -> EventScore:
    rows = {name: values[np.isin(events["kind"].astype(str), answers)] for name, values in events.items()}
    at_ns = rows["started_at_ns"]
    if kind == "tilt_restored":
        at_ns = np.where(rows["ended_at_ns"] == NONE_NS, at_ns, rows["ended_at_ns"])
    said = Spans(rows["subject_id"], at_ns, np.maximum(at_ns, rows["decided_at_ns"]))
    touching = overlaps(said, true.spans, tolerances.tilt_reach_s)
    pairs = one_to_one(touching, np.abs(at_ns[touching.left] - true.spans.starts_ns[touching.right]))
    wanted = due[pairs.right]
    left, right = pairs.left[wanted], pairs.right[wanted]
    own = rows["kind"] == kind
    founded = is_taken(touching.left, own.size)
    decided = rows["decided_at_ns"][left] != NONE_NS
    waits_s = (rows["decided_at_ns"][left] - true.spans.starts_ns[right])[decided] / NS_PER_S
    n, false = int(due.sum()), int(np.sum(own & ~founded))
    return EventScore(
        n=n,
        detected=left.size,
        missed=n - left.size,
        false=false,
        recall=rate(left.size, n),
        precision=rate(int(np.sum(own & founded)), int(own.sum())),
        time_to_detect_s=quantiles(np.maximum(waits_s, 0)),
        error_s=quantiles(np.abs(at_ns[left] - true.spans.starts_ns[right]) / NS_PER_S),
        apart={"more_than_one_an_episode": int(np.sum(own & founded) - np.sum(own[pairs.left]))},
    )
