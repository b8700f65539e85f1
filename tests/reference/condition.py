"""The slow twin of the watch over the network: one row at a time, in the order of their instants, with plain variables."""

import math
from collections import defaultdict

import numpy as np

from streams.contract.events import cell_number


def spans(condition, rows, limits):
    """Return what a condition says of rows (dictionaries), each as (owner, start, end or None, value at the start)."""
    worst = defaultdict(dict)
    for row in rows:
        value = float(condition.value({name: np.array([v]) for name, v in row.items()})[0])
        owner = tuple(int(cell_number(row[n])) if n == "cell_id" else row[n] for n in condition.owner)
        if not math.isnan(value):
            at_ns = row["observed_at_ns"]
            worst[owner][at_ns] = max(value, worst[owner].get(at_ns, -math.inf))
    return {(owner, *span) for owner, values in worst.items() for span in _of_one(condition, values, limits)}


def _of_one(condition, values, limits):
    begins_at = condition.begins_at(limits)
    ends_below = begins_at if condition.ends_below is None else condition.ends_below(limits)
    beyond_since = back_since = began = said = None
    found = []
    for at_ns, value in sorted(values.items()):
        beyond_since = None if value < begins_at else at_ns if beyond_since is None else beyond_since
        back_since = None if value >= ends_below else at_ns if back_since is None else back_since
        if began is None and beyond_since is not None and at_ns - beyond_since >= condition.begins_after_ns(limits):
            began, said, back_since = beyond_since, value, None
        elif began is not None and back_since is not None and at_ns - back_since >= condition.ends_after_ns(limits):
            found.append((began, back_since, said))
            began = None
    return [*found, (began, None, said)] if began is not None else found
