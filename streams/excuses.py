"""Which troubles of the network planned work explains, and which it explains no longer once the work should be over."""

from collections.abc import Callable

import numpy as np

from ingest.contract.columns import MISSING, Columns, concatenate, row_count, take
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.events import EVENT, cell_id_of, event_keys
from streams.detectors.network import CONDITIONS

IsWorkedOn = Callable[[SubjectKind, int, int], bool]

_BEGINNING_OF = {code_of(each.ended_by): code_of(each.kind) for each in CONDITIONS if each.ended_by is not None}
# What is not safe is no part of any work.
_INEXCUSABLE = frozenset(code_of(each.kind) for each in CONDITIONS if not each.excusable)


class Excuses:
    """Remembers what is out because somebody works on it, and what has been said of it since."""

    def __init__(self) -> None:
        self._excused: dict[bytes, Columns] = {}
        self._overdue: set[bytes] = set()

    def judge(self, events: Columns, is_worked_on: IsWorkedOn, clock_ns: int, overrun_ns: int) -> Columns:
        """Return what the detectors noticed, with `expected`, and again what is expected no longer.

        Args:
            events: Of the detectors, or none.
            is_worked_on: Says of a subject and an instant whether a window covers them.
            clock_ns: Log time.
            overrun_ns: Work that is over by so much and has not brought its subject back excuses it no longer.
        """
        parts = [self._note(take(events, slice(row, row + 1)), is_worked_on) for row in range(row_count(events))]
        overdue = [
            key
            for key, said in self._excused.items()
            if not _is_covered(said, is_worked_on, max(clock_ns - overrun_ns, int(said["started_at_ns"][0])))
        ]
        for key in overdue:
            said = self._excused.pop(key)
            self._overdue.add(key)
            again = {"revision": said["revision"] + 1, "expected": np.zeros(1, np.int8)}
            parts.append({**said, **again, "decided_at_ns": np.array([clock_ns])})
        return concatenate(parts, EVENT) if parts else {}

    def _note(self, event: Columns, is_worked_on: IsWorkedOn) -> Columns:
        if event["ended_at_ns"][0] != MISSING:
            return self._end(event)
        is_planned = _is_covered(event, is_worked_on, int(event["started_at_ns"][0]))
        expected = is_planned and int(event["event_code"][0]) not in _INEXCUSABLE
        event = {**event, "expected": np.array([expected], np.int8)}
        if expected:
            self._excused[bytes(event["event_key"][0])] = event
        return event

    def _end(self, event: Columns) -> Columns:
        """Return an end that is as expected as its beginning, one revision after what was said last."""
        code = int(event["event_code"][0])
        key = bytes(event_keys({**event, "event_code": np.array([_BEGINNING_OF.get(code, code)])})[0])
        expected = self._excused.pop(key, None) is not None
        said_again = key in self._overdue
        self._overdue.discard(key)
        if code in _BEGINNING_OF:
            return event
        return {**event, "expected": np.array([expected], np.int8), "revision": event["revision"] + said_again}


def _is_covered(event: Columns, is_worked_on: IsWorkedOn, at_ns: int) -> bool:
    """Say whether somebody works on the subject, or on the PoP where an attachment hangs."""
    subject, index = SubjectKind(int(event["subject_kind"][0])), int(event["subject_index"][0])
    pop_index = int(event["from_pop_index"][0]) if "from_pop_index" in event else MISSING
    number = cell_id_of(index) if subject is SubjectKind.CELL else index
    return is_worked_on(subject, number, at_ns) or is_worked_on(SubjectKind.POP, pop_index, at_ns)
