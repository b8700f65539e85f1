"""How a fault stands over time: at once, growing, fading, or coming and going."""

import msgspec

from ingest.contract.instants import NS_PER_S
from simulators.contract.truth import STEP_NS

# A slope is walked in steps of at least this, and at most so many.
_STEP_S = 5.0
_STEPS_AT_MOST = 120


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of a fault.

    Attributes:
        onset_s: It grows to its full strength over so long.
        recovery_s: It fades over its last so many seconds.
        period_s: It comes and goes: half of each period it stands; None where it just stands.
    """

    onset_s: float = 0.0
    recovery_s: float = 0.0
    period_s: float | None = None

    def levels(self, start_at_ns: int, end_at_ns: int | None, run_end_at_ns: int) -> list[tuple[int, float]]:
        """Return the instants at which its strength changes, from 0 to 1, in order; the last is 0 where it ends.

        Args:
            start_at_ns: When it begins.
            end_at_ns: When it is over; None where it outlasts the run.
            run_end_at_ns: When the run is over.
        """
        until_ns = run_end_at_ns if end_at_ns is None else end_at_ns
        found = self._flaps(start_at_ns, until_ns) if self.period_s else self._grows(start_at_ns, until_ns)
        if end_at_ns is not None:
            found = [*(self._fades(end_at_ns, found)), (end_at_ns, 0.0)]
        return [(at_ns, level) for at_ns, level in found if at_ns < run_end_at_ns]

    def _flaps(self, start_at_ns: int, until_ns: int) -> list[tuple[int, float]]:
        half_ns = max(STEP_NS, tenths_ns((self.period_s or 0.0) / 2.0))
        return [(at_ns, float(n % 2 == 0)) for n, at_ns in enumerate(range(start_at_ns, until_ns, half_ns))]

    def _grows(self, start_at_ns: int, until_ns: int) -> list[tuple[int, float]]:
        onset_ns = min(tenths_ns(self.onset_s), until_ns - start_at_ns)
        count = _steps(onset_ns)
        return [(start_at_ns + _at_step(onset_ns, n, count), (n + 1) / (count + 1)) for n in range(count + 1)]

    def _fades(self, end_at_ns: int, found: list[tuple[int, float]]) -> list[tuple[int, float]]:
        recovery_ns = min(tenths_ns(self.recovery_s), end_at_ns - found[0][0])
        count = _steps(recovery_ns)
        if not count:
            return [(at_ns, level) for at_ns, level in found if at_ns < end_at_ns]
        first_ns = end_at_ns - recovery_ns
        before = [(at_ns, level) for at_ns, level in found if at_ns < first_ns]
        level = before[-1][1] if before else found[0][1]
        fading = [
            (first_ns + _at_step(recovery_ns, n, count), level * (1.0 - (n + 1) / (count + 1))) for n in range(count)
        ]
        return [*before, *fading]


def tenths_ns(seconds: float) -> int:
    """Round to truth's own step."""
    return round(seconds * NS_PER_S / STEP_NS) * STEP_NS


def _steps(length_ns: int) -> int:
    return min(_STEPS_AT_MOST, int(length_ns / NS_PER_S / _STEP_S))


def _at_step(length_ns: int, number: int, count: int) -> int:
    return length_ns * number // max(1, count) // STEP_NS * STEP_NS
