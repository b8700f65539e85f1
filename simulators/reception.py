"""What of its satellite each terminal can use, second by second: signal both ways, and what stands in the way.

Nothing here is measured. Distance, rain and interference belong to the cell; scan, skyline, snow and hardware to the
terminal. A face that leans, a tree and a cloudburst take service away by this arithmetic alone.
"""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import ServiceClass
from simulators import link, obstruction
from simulators.attitude import Attitude
from simulators.causes import IN_SERVICE, LINK, OBSTRUCTION, RAIN, TILT, Codes
from simulators.fleet import Fleet
from simulators.geometry import Floats
from simulators.network_conditions import CellConditions, rain_mmph
from simulators.passes import Passes
from simulators.rain import rain_db, rain_height_km
from simulators.terminal_conditions import Flags, Floats32, TerminalConditions
from simulators.visibility import Indexes

# A link that was lost is taken up again only with this much to spare.
REGAINED_DB = 1.0
# A terminal that loses its satellite mid-slot looks for it so long, then waits for the next slot (domain section 5a).
_PATIENCE_S = 4.0
_LONGEST_PATIENCE_S = 12.0


class Reception:
    """The service links of all terminals.

    Attributes:
        cause: Why a link is lost; `IN_SERVICE` where it is not.
        waiting: Whether a terminal has given its satellite up until the next slot.
        downlink_db, uplink_db: Signal over noise at the terminal and at the satellite; NaN without a satellite.
        loss_db: What rain, snow, interference and hardware take from the downlink.
        skyline: Row of each terminal in the run's skylines.
    """

    def __init__(
        self,
        fleet: Fleet,
        conditions: TerminalConditions,
        cells: CellConditions,
        attitude: Attitude,
        rng: np.random.Generator,
    ) -> None:
        count = len(fleet.terminals)
        self._conditions, self._cells, self._attitude, self._rng = conditions, cells, attitude, rng
        self._skylines_deg = obstruction.skylines(rng)
        self._skyline_ratio = np.round(obstruction.blocked_ratio(self._skylines_deg), 3).astype(np.float32)
        self.skyline = obstruction.skylines_of_sites(count, rng)
        self.skyline[fleet.terminals.at_edge] = 0  # where geometry itself makes the gaps
        # A plant's site is surveyed before it is built.
        self.skyline[fleet.terminals.service == ServiceClass.CRITICAL_OT] = 0
        # Commissioning accepts a face whose cone still holds the level one: what counts is how far it moved since.
        self._scan_cosine = np.cos(np.radians(link.SCAN_LIMIT_DEG + fleet.terminals.aligned_tilt_deg)).astype(
            np.float32
        )
        self._aligned_deg = fleet.terminals.aligned_tilt_deg, fleet.terminals.aligned_azimuth_deg
        self._rain_height_km = rain_height_km(fleet.cells.latitude_deg)
        self.cause: Codes = np.full(count, IN_SERVICE, dtype=np.int8)
        self.waiting: Flags = np.zeros(count, dtype=np.bool_)
        self.downlink_db: Floats32 = np.full(count, np.nan, dtype=np.float32)
        self.uplink_db = self.downlink_db
        self.loss_db: Floats32 = np.zeros(count, dtype=np.float32)
        self._cell: Indexes = fleet.terminals.cell
        self._weak: Flags = np.zeros(count, dtype=np.bool_)
        self._given_up_at_ns = np.full(count, _NEVER, dtype=np.int64)
        self._passes: Passes | None = None

    def enter_slot(self, cell: Indexes, passes: Passes) -> None:
        """Take up the satellites of a slot, cell by cell; whoever waited tries again."""
        self._cell, self._passes = cell, passes
        self._elevation_deg = np.degrees(np.arcsin(np.clip(passes.direction[..., 2], -1.0, 1.0)))
        self._azimuth_deg = np.degrees(np.arctan2(passes.direction[..., 0], passes.direction[..., 1])) % 360.0
        self._level_db = link.level_snr_db(passes.service_range_km).astype(np.float32)
        self.waiting[:] = False
        self._given_up_at_ns[:] = _NEVER

    def try_again(self, who: Array) -> None:
        """Let those who get another satellite within the slot look for it."""
        self.waiting[who] = False
        self._given_up_at_ns[who] = _NEVER

    def turn_to(self, at_ns: int) -> None:
        """Look at a second's sky."""
        if self._passes is None or at_ns < self._passes.start_at_ns:
            return
        row = self._passes.row(at_ns)
        cosine = self._cosine(self._passes.direction[row])
        uplink_fade_db = self._signals(row, cosine)
        outside = cosine < self._scan_cosine
        hidden = outside | self._blocked(row)
        self._wait(hidden, at_ns)
        weak = np.minimum(self.downlink_db, self.uplink_db) < link.LEAST_SNR_DB + REGAINED_DB * self._weak
        rainy = uplink_fade_db[self._cell] > 0.0 if uplink_fade_db.any() else False
        self._weak = weak
        faded = np.where(weak, np.where(rainy, RAIN, LINK), IN_SERVICE)
        # A terminal that waits goes on with the cause it gave up for.
        # A ship that heels takes the satellite out of view too, and nothing stands askew on its mount.
        unseen = np.where(outside & self._askew(), TILT, np.where(hidden, OBSTRUCTION, self.cause))
        self.cause = np.where(hidden | self.waiting, unseen, faded).astype(np.int8)

    def _askew(self) -> Flags:
        """Tell which faces no longer rest as they were aligned."""
        tilt_deg, azimuth_deg = self._aligned_deg
        return np.asarray((self._conditions.tilt_deg != tilt_deg) | (self._conditions.azimuth_deg != azimuth_deg))

    def _cosine(self, towards: Floats32) -> Floats32:
        """Of the angle between each face and its satellite."""
        face, cell = self._attitude.boresight, self._cell
        return np.asarray(
            face[:, 0] * towards[cell, 0] + face[:, 1] * towards[cell, 1] + face[:, 2] * towards[cell, 2], np.float32
        )

    def _signals(self, row: int, cosine: Floats32) -> Floats:
        """Set what is received both ways; return what rain takes from each cell's uplink."""
        conditions, level_db = self._conditions, self._level_db[row]
        down_db, up_db = self._rain(row)
        extra_db = (down_db + self._cells.interference_db).astype(np.float32)
        # The terminal raises its power against rain, as far as it can.
        faded_db = link.UPLINK_BACKOFF_DB + np.maximum(up_db - link.UPLINK_POWER_CONTROL_DB, 0.0)
        uplink_level_db = level_db - faded_db.astype(np.float32)
        scan_db = link.scan_loss_of_cosine_db(cosine)
        self.loss_db = extra_db[self._cell] + conditions.snow_loss_db + conditions.downlink_loss_db
        self.downlink_db = level_db[self._cell] - scan_db - self.loss_db
        own_db = scan_db + conditions.snow_loss_db + conditions.uplink_loss_db
        self.uplink_db = uplink_level_db[self._cell] - own_db
        return up_db

    def _rain(self, row: int) -> tuple[Floats, Floats]:
        """Give what rain takes from each cell's downlink and uplink."""
        rate_mmph = rain_mmph(self._cells)
        down_db, up_db = np.zeros(len(rate_mmph)), np.zeros(len(rate_mmph))
        wet = np.flatnonzero((rate_mmph > 0.0) & np.isfinite(self._elevation_deg[row]))
        if len(wet):
            path = rate_mmph[wet], self._elevation_deg[row, wet], self._rain_height_km[wet]
            down_db[wet] = rain_db(path[0], link.DOWNLINK_GHZ, *path[1:])
            up_db[wet] = rain_db(path[0], link.UPLINK_GHZ, *path[1:])
        return down_db, up_db

    def _blocked(self, row: int) -> Flags:
        """Tell whose satellite stands behind something."""
        conditions, blocked = self._conditions, np.zeros(len(self._cell), dtype=np.bool_)
        hemmed = np.flatnonzero(self.skyline)
        cell = self._cell[hemmed]
        step = obstruction.azimuth_step(np.nan_to_num(self._azimuth_deg[row, cell]))
        blocked[hemmed] = self._elevation_deg[row, cell] < self._skylines_deg[self.skyline[hemmed], step]
        newly = np.flatnonzero(conditions.blocked_below_deg)
        if len(newly):
            cell = self._cell[newly]
            sector = conditions.blocked_from_deg[newly], conditions.blocked_to_deg[newly]
            behind = obstruction.within(self._azimuth_deg[row, cell], *sector)
            blocked[newly] |= behind & (self._elevation_deg[row, cell] < conditions.blocked_below_deg[newly])
        return blocked

    def _wait(self, hidden: Flags, at_ns: int) -> None:
        """Let those who cannot see their satellite give it up after a while."""
        seen = np.flatnonzero(~hidden & (self._given_up_at_ns != _NEVER) & ~self.waiting)
        self._given_up_at_ns[seen] = _NEVER
        new = np.flatnonzero(hidden & (self._given_up_at_ns == _NEVER))
        patience_s = np.minimum(self._rng.exponential(_PATIENCE_S, len(new)), _LONGEST_PATIENCE_S)
        self._given_up_at_ns[new] = at_ns + (patience_s * NS_PER_S).astype(np.int64)
        self.waiting |= hidden & (self._given_up_at_ns <= at_ns)

    def obstruction_ratio(self) -> Floats32:
        """Give the share of the sky in view that each terminal's surroundings block."""
        conditions, ratio = self._conditions, self._skyline_ratio[self.skyline]
        newly = np.flatnonzero(conditions.blocked_below_deg)
        width = ((conditions.blocked_to_deg - conditions.blocked_from_deg)[newly] % 360.0) / 360.0
        ratio[newly] += width * obstruction.blocked_ratio(conditions.blocked_below_deg[newly, None])
        return np.minimum(ratio, np.float32(1.0))


_NEVER = np.iinfo(np.int64).max
