"""What terminals' troubles have in common: the ways that the plan leads them, what of these is down, k of N."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from ingest.contract.columns import MISSING, Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.vocabulary import SubjectKind
from streams.incidents.neighbourhood import Neighbourhood
from streams.incidents.notice import Notice

# k of N: at least five terminals, and half of those that depend on the thing, else a stadium's power switch looks like a storm.
ENOUGH_TERMINALS = 5
ENOUGH_RATIO = 0.5
# A storm takes minutes over an area, but a thing that fails takes all that depends on it at once.
AT_ONCE_NS = 15 * NS_PER_S
# A fall is noticed so long after it happened at most, by the instants in the events themselves.
_SLACK_NS = 2 * NS_PER_S


class Root(NamedTuple):
    """What can be broken."""

    kind: SubjectKind
    number: int


class Common(NamedTuple):
    """What many outages have in common.

    Attributes:
        root: It.
        outages: Of those that depend on it.
        of_count: How many depend on it.
        cells: Of an area.
    """

    root: Root
    outages: list[Notice]
    of_count: int
    cells: tuple[int, ...] = ()


CONTROL_PLANE = Root(SubjectKind.CONTROL_PLANE, 0)
# From the widest to the narrowest: what is behind a dead PoP is out for the PoP's sake.
WAY_KINDS = (SubjectKind.POP, SubjectKind.GATEWAY, SubjectKind.SATELLITE)


class Ways(Protocol):
    """What the plan says of terminals; `streams.planned_ways.PlannedWays` is one."""

    def planned_ways(self, terminals: Array, at_ns: Array) -> Mapping[SubjectKind, Array]:
        """Return the index of the PoP, gateway and satellite that terminals are led through at instants; negative for none."""

    def planned_loads(self, at_ns: int) -> Mapping[SubjectKind, Counter[int]]:
        """Return how many terminals that stand still the plan leads through each PoP, gateway and satellite at an instant."""


class Falls:
    """Remembers which things of the network fell, when, and since when they stand again."""

    def __init__(self) -> None:
        self._fell: dict[Root, tuple[int, int | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._fell)

    def fall(self, root: Root, at_ns: int) -> None:
        """Note that it is down; an earlier fall that has not been forgotten counts on."""
        first_ns = self._fell[root][0] if root in self._fell else at_ns
        self._fell[root] = min(first_ns, at_ns), None

    def rise(self, root: Root, at_ns: int) -> None:
        """Note that it stands again."""
        if root in self._fell:
            self._fell[root] = self._fell[root][0], at_ns

    def forget(self, root: Root) -> None:
        """Drop what is known of it."""
        self._fell.pop(root, None)

    def was_down(self, root: Root, from_ns: int, to_ns: int) -> bool:
        """Say whether it was down in some of a time."""
        fell = self._fell.get(root)
        return fell is not None and fell[0] - _SLACK_NS <= to_ns and from_ns <= (fell[1] or from_ns)


class Dependence:
    """Which roots could explain an outage, and which of them explains many."""

    def __init__(self, inventory: Inventory, ways: Ways) -> None:
        """Take who there is, and what the plan says of them."""
        self._inventory = inventory
        self._ways = ways
        self._size_of_cell = Counter(terminal.cell_id for terminal in inventory.terminals)
        self.neighbourhood = Neighbourhood(inventory)

    def seen_ns(self, outage: Notice) -> int:
        """Return when the first report of an outage was due: it began within the one before."""
        return outage.started_at_ns + round(self._inventory.terminals[outage.subject_index].cadence_s * NS_PER_S)

    def cell_of(self, outage: Notice) -> int:
        """Return its cell; -1 of who moves."""
        return self._inventory.terminals[outage.subject_index].cell_id

    def fallen(self, outages: Sequence[Notice], falls: Falls, until_ns: int = 0) -> list[Root | None]:
        """Return for each outage what was down on its way as it began, the widest first; last, the gateway that served it.

        Args:
            outages: Each start is known to within one report of the terminal.
            falls: What is down.
            until_ns: How far they are known to last: one may have begun otherwise and met the fallen thing in a later slot.
        """
        found: list[Root | None] = [None] * len(outages)
        asked = [
            (row, outage.started_at_ns if at_ns == seen_ns else at_ns, at_ns)
            for row, outage in enumerate(outages)
            for seen_ns in [self.seen_ns(outage)]
            for at_ns in (seen_ns, *self._slot_edges(seen_ns, until_ns))
        ]
        ways = self._of(np.array([outages[row].subject_index for row, *_ in asked]), np.array([a[2] for a in asked]))
        for (row, from_ns, to_ns), way in zip(asked, ways, strict=True):
            cell = Root(SubjectKind.CELL, self.cell_of(outages[row]))
            served = (Root(SubjectKind.GATEWAY, outages[row].from_gateway_index),) if to_ns > from_ns else ()
            for root in (CONTROL_PLANE, *way, cell, *served):
                if found[row] is None and falls.was_down(root, from_ns, to_ns):
                    found[row] = root
        return found

    def _of(self, terminals: Array, at_ns: Array) -> list[tuple[Root, ...]]:
        ways = self._ways.planned_ways(terminals, at_ns)
        columns = [[Root(kind, index) for index in ways[kind].tolist()] for kind in WAY_KINDS]
        return list(zip(*columns, strict=True))

    def _slot_edges(self, after_ns: int, until_ns: int) -> range:
        slots = self._inventory.deployment
        into_ns = (after_ns - slots.slot_phase_ns) % slots.slot_length_ns
        return range(after_ns - into_ns + slots.slot_length_ns, until_ns, slots.slot_length_ns)

    def common(self, outages: Sequence[Notice]) -> list[Common]:
        """Return roots that explain many outages at once.

        A root is one if enough of what depends on it is out. Of several the one with most that are out, less those that are not,
        comes first, and of equals the narrowest: a dead cell says nothing of its gateway, all cells of one gateway do.
        """
        found = []
        # Vehicles of one pit or port lose the sky together: who moves, and is of no cell, says nothing of others.
        left = [outage for outage in outages if self.cell_of(outage) != MISSING]
        while len(left) >= ENOUGH_TERMINALS:
            best = max(
                self._candidates(left), key=lambda common: 2 * len(common.outages) - common.of_count, default=None
            )
            if best is None:
                break
            found.append(best)
            explained = {outage.subject_index for outage in best.outages}
            left = [outage for outage in left if outage.subject_index not in explained]
        return found

    def _candidates(self, outages: list[Notice]) -> list[Common]:
        """Return every root that enough is out of, from the narrowest kind to the widest."""
        found = self._areas(outages)
        # Who reports seldom may have gone down with the newest, though it was last heard of long before.
        newest_ns = max(outage.started_at_ns for outage in outages) + NS_PER_S
        outages = [outage for outage in outages if self.seen_ns(outage) > newest_ns - AT_ONCE_NS]
        terminals = np.array([outage.subject_index for outage in outages])
        seen_ns = np.minimum([self.seen_ns(outage) for outage in outages], newest_ns)
        ways, loads = self._ways.planned_ways(terminals, seen_ns), self._ways.planned_loads(int(seen_ns.min()))
        for kind in reversed(WAY_KINDS):
            indexes, counts = np.unique(ways[kind], return_counts=True)
            for index, count in zip(indexes.tolist(), counts.tolist(), strict=True):
                if index >= 0 and _is_enough(count, loads[kind][index]):
                    rows = np.flatnonzero(ways[kind] == index).tolist()
                    found.append(Common(Root(kind, index), [outages[row] for row in rows], loads[kind][index]))
        everybody = self._size_of_cell.total() - self._size_of_cell[MISSING]
        if _is_enough(len(outages), everybody):
            found.append(Common(CONTROL_PLANE, outages, everybody))
        return found

    def _areas(self, outages: list[Notice]) -> list[Common]:
        by_cell: dict[int, list[Notice]] = {}
        for outage in outages:
            by_cell.setdefault(self.cell_of(outage), []).append(outage)
        failing = [cell for cell, out in sorted(by_cell.items()) if len(out) >= ENOUGH_RATIO * self._size_of_cell[cell]]
        found = []
        for cells in self.neighbourhood.areas(failing):
            of_area = [outage for cell in cells for outage in by_cell[cell]]
            if len(of_area) >= ENOUGH_TERMINALS:
                most = max(sorted(cells), key=lambda cell: len(by_cell[cell]))
                size = sum(self._size_of_cell[cell] for cell in cells)
                found.append(Common(Root(SubjectKind.CELL, most), of_area, size, tuple(sorted(cells))))
        return found


def _is_enough(count: int, of_count: int) -> bool:
    """Say whether enough is out; more than all means that the plan has changed in between, and says nothing."""
    return max(ENOUGH_TERMINALS, ENOUGH_RATIO * of_count) <= count <= of_count
