"""Planned work: which windows hold under a version, and whom they cover."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.control import MaintenanceWindow
from ingest.contract.vocabulary import SubjectKind

# Who may be meant by each kind of subject, row by row: its last serving satellite and its planned one, for example.
Subjects = Mapping[SubjectKind, Iterable[Array]]


def standing(windows: Iterable[MaintenanceWindow], version: int) -> tuple[MaintenanceWindow, ...]:
    """Return the windows that hold under a version: of each the newest that it knows, without those called off."""
    newest: dict[str, MaintenanceWindow] = {}
    for window in sorted(windows, key=lambda window: window.version):
        if window.version <= version:
            newest[window.window_id] = window
    return tuple(window for window in newest.values() if not window.cancelled)


def covered(
    windows: Iterable[MaintenanceWindow],
    index_of: Callable[[SubjectKind, str], int | None],
    subjects: Subjects,
    from_ns: Array,
    to_ns: Array,
) -> Array:
    """Say for each row whether a window covers some of its time and one of its subjects.

    Args:
        windows: That hold.
        index_of: The number of a subject; None for one that nobody knows, which covers nobody.
        subjects: By kind, one number a row each.
        from_ns: Where the rows' times begin.
        to_ns: Where they end, that instant in them.
    """
    found = np.zeros(len(from_ns), bool)
    if not len(from_ns):
        return found
    first_ns, last_ns = int(from_ns.min()), int(to_ns.max())
    for window in windows:
        if window.start_at_ns > last_ns or window.end_at_ns <= first_ns:
            continue
        index = index_of(window.subject_kind, window.subject_id)
        if index is not None:
            inside = (window.start_at_ns <= to_ns) & (from_ns < window.end_at_ns)
            for values in subjects[window.subject_kind]:
                found |= inside & (values == index)
    return found
