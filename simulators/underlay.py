"""Sites with a terrestrial path beside Leo: which path carries their traffic, and how the other one is."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.vocabulary import StandbyState, Underlay
from simulators.fleet import Terminals
from simulators.terminal_conditions import Flags, TerminalConditions

# A site's router leaves a path that failed so many probes, and comes back to its own after so many good ones: one a
# second each (usual values of SD-WAN routers; assumed).
_LEAVES_AFTER, _RETURNS_AFTER = 3, 30
# Of the sites with two paths, so many use Leo first; the others keep it as their backup (assumed).
_LEO_FIRST_RATIO = 0.5
# A path that stands by carries keep-alives only.
STANDBY_LOAD = 0.002


class Underlays:
    """The routers of all sites with two paths."""

    def __init__(self, terminals: Terminals, conditions: TerminalConditions, rng: np.random.Generator) -> None:
        self._conditions = conditions
        self._who = np.flatnonzero(terminals.dual_path)
        count = len(self._who)
        own = np.where(rng.random(count) < _LEO_FIRST_RATIO, Underlay.LEO, Underlay.TERRESTRIAL).astype(np.int8)
        self._own, self._active = own, own.copy()
        self._bad_s = np.zeros((2, count), dtype=np.int32)
        self._good_s = np.full((2, count), _RETURNS_AFTER, dtype=np.int32)
        self._total = len(terminals)

    def probe(self, live: Flags) -> None:
        """Probe both paths of every site in a second, and switch where it is due.

        Args:
            live: Which terminals have service; a standby that is dead has it and passes nothing on.
        """
        conditions, who = self._conditions, self._who
        good = np.empty_like(self._bad_s, dtype=np.bool_)
        good[Underlay.LEO] = live[who] & ~conditions.standby_dead[who]
        good[Underlay.TERRESTRIAL] = conditions.terrestrial_up[who]
        self._good_s = np.where(good, np.minimum(self._good_s + 1, _RETURNS_AFTER), 0)
        self._bad_s = np.where(good, 0, self._bad_s + 1)
        site = np.arange(len(who))
        other = 1 - self._active
        leaves = (self._bad_s[self._active, site] >= _LEAVES_AFTER) & (self._bad_s[other, site] == 0)
        returns = (self._active != self._own) & (self._good_s[self._own, site] >= _RETURNS_AFTER)
        self._active = np.where(leaves | returns, other, self._active).astype(np.int8)

    def load_factor(self) -> Array:
        """Say what share of its traffic each terminal carries."""
        factor = np.ones(self._total, dtype=np.float32)
        factor[self._who[self._active == Underlay.TERRESTRIAL]] = STANDBY_LOAD
        return factor

    def columns(self) -> dict[str, Array]:
        """Give which path is in use, and how the other one is; most sites have only one."""
        active = np.full(self._total, Underlay.LEO, dtype=np.int8)
        standby = np.full(self._total, StandbyState.ABSENT, dtype=np.int8)
        active[self._who] = self._active
        bad = self._bad_s[1 - self._active, np.arange(len(self._who))] >= _LEAVES_AFTER
        standby[self._who] = np.where(bad, StandbyState.UNHEALTHY, StandbyState.HEALTHY)
        return {"active_underlay": active, "standby_underlay_state": standby}
