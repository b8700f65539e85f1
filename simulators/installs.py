"""Terminals that are put up during a run: switched on, turned about, aligned, and connected for the first time."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import InstallState, MobilityClass
from simulators.fleet import Terminals
from simulators.terminal_conditions import Flags, TerminalConditions

# One in so many fixed terminals is new in a run, and somebody handles it for some minutes (assumed).
_NEW_RATIO = 0.003
_LATEST_SHARE = 0.5  # of the run, so that some connect within it
_HANDLED_S = (120.0, 420.0)
_HANDLED_EVERY_S = 9
_HANDLED_DEG = (3.0, 60.0)


class Installations(msgspec.Struct, frozen=True, kw_only=True):
    """Who is put up, and when: an entry each."""

    who: NDArray[np.int64]
    switched_on_at_ns: NDArray[np.int64]
    aligned_at_ns: NDArray[np.int64]


def draw_installations(terminals: Terminals, span_ns: tuple[int, int], rng: np.random.Generator) -> Installations:
    """Choose them among the fixed terminals that stand in cover."""
    start_at_ns, end_at_ns = span_ns
    may = np.flatnonzero((terminals.mobility == MobilityClass.FIXED) & ~terminals.at_edge & ~terminals.dual_path)
    who = np.sort(rng.permutation(may)[: round(_NEW_RATIO * len(terminals))])
    length_s = (end_at_ns - start_at_ns) / NS_PER_S
    on_s = rng.uniform(0.0, _LATEST_SHARE * length_s, len(who)).astype(np.int64)
    on_at_ns = start_at_ns + on_s * NS_PER_S
    handled_s = rng.uniform(*_HANDLED_S, len(who)).astype(np.int64)
    return Installations(who=who, switched_on_at_ns=on_at_ns, aligned_at_ns=on_at_ns + handled_s * NS_PER_S)


class Installs:
    """Installing, aligned, active.

    Attributes:
        installing: Who is being turned about; there is no service until it is aligned.
    """

    def __init__(
        self,
        terminals: Terminals,
        installations: Installations,
        conditions: TerminalConditions,
        rng: np.random.Generator,
    ) -> None:
        self._plan, self._conditions, self._rng = installations, conditions, rng
        who = installations.who
        self._aligned = terminals.aligned_tilt_deg[who], terminals.aligned_azimuth_deg[who]
        self._state = np.full(len(terminals), InstallState.ACTIVE, dtype=np.int8)
        self._state[who] = InstallState.INSTALLING
        self.installing: Flags = self._state == InstallState.INSTALLING
        conditions.powered[who] = False

    def go_on(self, at_ns: int) -> bool:
        """Do what is due in this second; tell whether anybody was switched on."""
        plan, conditions = self._plan, self._conditions
        on = plan.who[plan.switched_on_at_ns == at_ns]
        conditions.powered[on] = True
        handled = (plan.switched_on_at_ns <= at_ns) & (at_ns < plan.aligned_at_ns)
        turned = plan.who[handled & ((at_ns - plan.switched_on_at_ns) // NS_PER_S % _HANDLED_EVERY_S == 0)]
        conditions.tilt_deg[turned] = self._rng.uniform(*_HANDLED_DEG, len(turned))
        done = np.flatnonzero(plan.aligned_at_ns == at_ns)
        for angle, aligned in zip((conditions.tilt_deg, conditions.azimuth_deg), self._aligned, strict=True):
            angle[plan.who[done]] = aligned[done]
        self._state[plan.who[done]] = InstallState.ALIGNED
        self.installing[plan.who[done]] = False
        return len(on) > 0

    def state(self, live: Flags) -> Array:
        """Give each terminal's state; whoever has service for the first time is active from then on."""
        plan = self._plan
        self._state[plan.who[live[plan.who]]] = InstallState.ACTIVE
        return self._state.copy()
