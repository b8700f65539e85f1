"""The final word on each event of a run of steps: last revision by key, as words."""

import math

from streams.contract.catalogue import KIND_BY_CODE
from streams.shard import new_state, step
from tests.make import START_NS

# The instant of decision depends on how samples were cut into frames; what is said does not.
_NOT_CONTENT = {"event_key", "decided_at_ns"}


def said(frames, known, *, state=None, between=lambda state: state):
    """Run frames through a shard and return (final events, state, counts)."""
    state = state or new_state(0, known.inventory.shard_count)
    last, counts = {}, {}
    for each in frames:
        state, findings = step(state, each, known)
        state = between(state)
        for name, count in findings.counts.items():
            counts[name] = counts.get(name, 0) + count
        for row in _rows(findings.events):
            key = row["event_key"]
            assert key not in last or last[key]["revision"] < row["revision"], ("said twice", row)
            last[key] = row
    return last, state, counts


def final(frames, known, **options):
    """Return the final events as a sorted list of their content, nulls left out."""
    return sorted(map(_content, said(frames, known, **options)[0].values()))


def kinds(frames, known):
    """Return (kind, seconds after the start) of the final events, in order."""
    rows = said(frames, known)[0].values()
    return sorted((KIND_BY_CODE[r["event_code"]].kind, (r["started_at_ns"] - START_NS) / 1e9) for r in rows)


def _rows(events):
    names = list(events)
    for values in zip(*(events[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


def _content(row):
    kept = {
        n: round(v, 4) if isinstance(v, float) else v
        for n, v in row.items()
        if n not in _NOT_CONTENT and not (isinstance(v, float) and math.isnan(v))
    }
    return tuple(sorted((n, v) for n, v in kept.items() if v != -1))
