"""The simulator's own door: it packs what terminals tell, and does to it what a door under trouble does."""

import numpy as np

from ingest.contract.columns import Array, Columns, row_count, take
from ingest.contract.packing import Packer, Record
from simulators.steering import DoorConditions
from simulators.terminal_conditions import Floats32


class Door:
    """Packs samples and attachments; some are told twice, some come late, and while it is stopped nothing is written."""

    def __init__(
        self, packer: Packer, conditions: DoorConditions, terminal_count: int, rng: np.random.Generator
    ) -> None:
        self.packer = packer
        self._conditions = conditions
        self._luck: Floats32 = rng.random((2, terminal_count), dtype=np.float32)
        self._late: list[tuple[int, Columns]] = []
        self._unsaid: list[Columns] = []

    @property
    def is_open(self) -> bool:
        """Whether anything is written."""
        return not self._conditions.stopped

    def samples(self, columns: Columns, rows: Array, received_at_ns: int) -> list[Record]:
        """Pack these rows of a second's samples, and those of earlier seconds that are due by now."""
        rows = self._set_aside(columns, rows, received_at_ns)
        records = self.packer.samples(columns, received_at_ns, rows=rows)
        due = [late for at_ns, late in self._late if at_ns <= received_at_ns]
        self._late = [(at_ns, late) for at_ns, late in self._late if at_ns > received_at_ns]
        for late in due:
            records += self.packer.samples(late, received_at_ns)
        if self._conditions.duplicated_ratio > 0.0:
            again = self._luck[1, columns["terminal_index"][rows]] < self._conditions.duplicated_ratio
            records += self.packer.samples(columns, received_at_ns, rows=rows[again])
        return records

    def attachments(self, columns: Columns, received_at_ns: int) -> list[Record]:
        """Pack attach and detach records; gateways say again what a stopped door has not heard."""
        if row_count(columns):
            self._unsaid.append(columns)
        if not self.is_open:
            return []
        records = [record for each in self._unsaid for record in self.packer.attachments(each, received_at_ns)]
        self._unsaid = []
        return records

    def _set_aside(self, columns: Columns, rows: Array, received_at_ns: int) -> Array:
        """Keep the rows that come late for later; return the others."""
        ratio, late_s = self._conditions.late_ratio, self._conditions.late_s
        if ratio <= 0.0:
            return rows
        is_late: Array = self._luck[0, columns["terminal_index"][rows]] < ratio
        self._late.append((received_at_ns + round(late_s * 1e9), take(columns, rows[is_late])))
        return rows[~is_late]
