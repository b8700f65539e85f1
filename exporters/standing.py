"""What stands now of all that was opened and closed, in whatever order and however often it was said."""

from typing import Generic, TypeVar

S = TypeVar("S")  # who
F = TypeVar("F")  # what is known of it


class Standing(Generic[S, F]):
    """One episode a subject at most: of each it remembers until when everything is over, so that a repeat opens nothing."""

    def __init__(self) -> None:
        self._open: dict[S, tuple[int, F]] = {}
        self._over_ns: dict[S, int] = {}

    def __contains__(self, subject: S) -> bool:
        return subject in self._open

    def opens(self, subject: S, started_at_ns: int, fact: F) -> None:
        """Take a beginning; one that is older than what stands, or over already, is history."""
        newest_ns = max(self._over_ns.get(subject, 0), self._open[subject][0] if subject in self._open else 0)
        if started_at_ns >= newest_ns:
            self._open[subject] = started_at_ns, fact

    def closes(self, subject: S, started_at_ns: int, ended_at_ns: int) -> None:
        """Take an end, of everything of this subject that began before it."""
        over_ns = max(started_at_ns + 1, ended_at_ns)
        self._over_ns[subject] = max(over_ns, self._over_ns.get(subject, 0))
        if subject in self._open and self._open[subject][0] < over_ns:
            del self._open[subject]

    def facts(self) -> dict[S, F]:
        """Return what stands, by subject."""
        return {subject: fact for subject, (_, fact) in self._open.items()}
