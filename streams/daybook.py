"""What has been counted and is not yet in the ledger: to add up many small frames at once costs as much as one of them.

Whatever asks the ledger for a window, or closes one, posts the daybook first; so nothing depends on when it was posted.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from ingest.contract.columns import Array, Columns, row_count, take
from streams import ledger as ledgers
from streams.ledger import Ledger
from streams.rollup_lines import WINDOW_NS

# So many rows are posted at once: beyond that the cost is that of the rows. They take 40 bytes each until then ...
POST_ROWS = 4_000
# ... or what so many frames had, however few that is.
POST_FRAMES = 40


class Daybook(msgspec.Struct, frozen=True, eq=False):
    """Columns of what waits, each with its instant and where its group stands in the ledger.

    Attributes:
        samples: With round trip, drop and volume each.
        handovers: Nothing else.
    """

    samples: tuple[Columns, ...] = ()
    handovers: tuple[Columns, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether it is time to post it."""
        frames_count = max(len(self.samples), len(self.handovers))
        return frames_count >= POST_FRAMES or sum(map(row_count, self.samples)) >= POST_ROWS


def post(daybook: Daybook, ledger: Ledger) -> Ledger:
    """Add everything to the ledger; what is too late for its window is lost, a handover without a word."""
    if daybook.samples:
        ledger = _post_samples(ledger, _together(daybook.samples))
    if daybook.handovers:
        ledger = _post_handovers(ledger, _together(daybook.handovers))
    return ledger


def _together(parts: Sequence[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _post_samples(ledger: Ledger, rows: Columns) -> Ledger:
    timely = rows["at_ns"] >= ledgers.earliest_ns(ledger)
    if not timely.all():
        ledger, rows = ledgers.lose(ledger, int((~timely).sum())), take(rows, timely)
    if not row_count(rows):
        return ledger
    window_ns, group, rtt_ms = _windows(rows["at_ns"]), rows["group"], rows["rtt_ms"]
    ledger, cells = ledgers.cells(ledger, window_ns, group)
    amounts = {
        "samples_count": None, "drop_sum": _millionths(rows["drop"]), "downlink_bytes": rows["down"],
        "uplink_bytes": rows["up"],
    }  # fmt: skip
    ledger = ledgers.add(ledger, cells, amounts)
    known = ~np.isnan(rtt_ms)
    if known.all():
        return ledgers.add_rtt(ledger, cells, rtt_ms)
    if not known.any():
        return ledger
    if isinstance(window_ns, np.ndarray):
        window_ns = window_ns[known]
    ledger, cells = ledgers.cells(ledger, window_ns, group[known])
    return ledgers.add_rtt(ledger, cells, rtt_ms[known])


def _post_handovers(ledger: Ledger, rows: Columns) -> Ledger:
    rows = take(rows, rows["at_ns"] >= ledgers.earliest_ns(ledger))
    if not row_count(rows):
        return ledger
    ledger, cells = ledgers.cells(ledger, _windows(rows["at_ns"]), rows["group"])
    return ledgers.add(ledger, cells, {"handovers_count": None})


def _windows(at_ns: Array) -> Array | int:
    """Return the window of each instant, or of all of them."""
    first_ns, last_ns = (int(bound) // WINDOW_NS * WINDOW_NS for bound in (at_ns.min(), at_ns.max()))
    return first_ns if first_ns == last_ns else at_ns // WINDOW_NS * WINDOW_NS


def _millionths(drop_ratio: Array) -> Array:
    found: Array = np.rint(drop_ratio * np.float64(1_000_000))
    return np.nan_to_num(found) if np.isnan(found).any() else found
