"""Where every face really points, and what its attitude filter makes of it."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import TerminalAlert
from simulators.fleet import Terminals
from simulators.geometry import Floats
from simulators.noise import Noise
from simulators.terminal_conditions import Flags, Floats32, TerminalConditions
from simulators.visibility import Indexes

# Smaller turns are followed by the filter; a larger one upsets it.
UPSET_DEG = 2.0
# A filter that is upset needs so long (domain section 5e and the issue); small upsets are common, long ones rare.
UNSETTLED_S = (20.0, 300.0)
# While it settles, 90 - boresight elevation and tilt differ by up to so much on a real dish, ...
LARGEST_DISAGREEMENT_DEG = 18.0
# ... and it admits to so much doubt.
_LARGEST_DOUBT_DEG = 16.4
_SETTLED_DOUBT_DEG = 0.4
_NOISE_DEG = 0.08
_UNSETTLED_NOISE_DEG = 0.5  # of the tilt, which gravity shows at once
# E-foldings until the filter has converged: of its error, and of its doubt, which is beyond 3 deg until then.
_DECAY, _DOUBT_DECAY = 3.0, 1.7
_BOOT_DISAGREEMENT_DEG = 8.0
_MAST_ALERT_DEG = 30.0  # the dish's own alert (domain section 4b)


def boresight(tilt_deg: Floats, azimuth_deg: Floats) -> Floats32:
    """Give the unit vector of a face: east, north, up."""
    tilt, azimuth = np.radians(tilt_deg), np.radians(azimuth_deg)
    sine = np.sin(tilt)
    return np.stack([sine * np.sin(azimuth), sine * np.cos(azimuth), np.cos(tilt)], axis=-1).astype(np.float32)


class Attitude:
    """All faces and their filters.

    Attributes:
        boresight: Unit vectors of where each face points.
        tilt_deg, azimuth_deg: The same in angles.
        unsettled_until_ns: Until when a filter has not converged.
    """

    def __init__(
        self, terminals: Terminals, conditions: TerminalConditions, noise: Noise, rng: np.random.Generator
    ) -> None:
        count = len(terminals)
        self._conditions, self._noise = conditions, noise
        self._rng = rng
        self._aligned_boresight = boresight(terminals.aligned_tilt_deg, terminals.aligned_azimuth_deg)
        self._desired = np.stack([terminals.aligned_tilt_deg, terminals.aligned_azimuth_deg]).astype(np.float32)
        self._rest = conditions.tilt_deg.copy(), conditions.azimuth_deg.copy()
        self._rest_boresight = boresight(*self._rest)
        self.tilt_deg, self.azimuth_deg = (angle.astype(np.float32) for angle in self._rest)
        self.boresight = self._rest_boresight.copy()
        self.unsettled_until_ns = np.zeros(count, dtype=np.int64)
        self._upset_at_ns = np.zeros(count, dtype=np.int64)
        self._disagreement_deg = np.zeros(count, dtype=np.float32)
        self._unsettled: Indexes = np.empty(0, dtype=np.int32)

    def turn_to(self, at_ns: int) -> None:
        """Follow the faces; whichever turned by more than a little upsets its filter."""
        now = self._conditions.tilt_deg, self._conditions.azimuth_deg
        turned = np.flatnonzero((now[0] != self._rest[0]) | (now[1] != self._rest[1]))
        if len(turned):
            before = self._rest_boresight[turned]
            for rest, angle in zip(self._rest, now, strict=True):
                rest[turned] = angle[turned]
            self._rest_boresight[turned] = boresight(self._rest[0][turned], self._rest[1][turned])
            self.boresight[turned] = self._rest_boresight[turned]
            self.tilt_deg[turned], self.azimuth_deg[turned] = self._rest[0][turned], self._rest[1][turned]
            angle_deg = _between_deg(before, self._rest_boresight[turned])
            upset = angle_deg > UPSET_DEG
            self.upset(turned[upset], at_ns, angle_deg[upset])

    def sway(self, who: Array, east_deg: Floats, north_deg: Floats) -> None:
        """Lean these faces, with what they stand on, to the east and to the north of where they rest."""
        swaying, desired = (
            _leaning(face[who], east_deg, north_deg) for face in (self._rest_boresight, self._aligned_boresight)
        )
        self.boresight[who] = swaying
        self.tilt_deg[who], self.azimuth_deg[who] = _angles_deg(swaying)
        self._desired[0, who], self._desired[1, who] = _angles_deg(desired)

    def swayed_deg(self, who: Array, east_deg: Floats, north_deg: Floats) -> tuple[Array, Array]:
        """Give tilt and azimuth that these faces would have if they leant so."""
        return _angles_deg(_leaning(self._rest_boresight[who], east_deg, north_deg))

    def upset(self, who: Array, at_ns: int, by_deg: Floats32) -> None:
        """Let these filters start anew after a step of so many degrees."""
        low_s, high_s = np.log(UNSETTLED_S)
        lasts_s = np.exp(self._rng.uniform(low_s, high_s, len(who)))
        self._start_anew(who, at_ns, lasts_s, by_deg)

    def boot(self, who: Array, at_ns: int, boots_s: Floats) -> None:
        """Let these filters start with the boot and settle within seconds of its end."""
        self._start_anew(who, at_ns, boots_s, np.full(len(who), _BOOT_DISAGREEMENT_DEG, dtype=np.float32))

    def settled(self, at_ns: int) -> Flags:
        """Tell which filters have converged."""
        return np.asarray(self.unsettled_until_ns <= at_ns)

    def measure(self, at_ns: int) -> dict[str, Array]:
        """Give what each terminal believes of its face."""
        count = len(self.tilt_deg)
        error_deg = np.stack([self._noise.normal() for _ in range(3)]) * np.float32(_NOISE_DEG)
        doubt_deg = np.full(count, _SETTLED_DOUBT_DEG, dtype=np.float32)
        converged = np.ones(count, dtype=np.int8)
        self._unsettled = self._unsettled[self.unsettled_until_ns[self._unsettled] > at_ns]
        who = self._unsettled
        if len(who):
            converged[who] = 0
            passed_ratio = self._passed_ratio(who, at_ns)
            error_deg[0, who] *= np.float32(_UNSETTLED_NOISE_DEG / _NOISE_DEG)
            error_deg[1, who] = error_deg[0, who] + self._disagreement_deg[who] * np.exp(-_DECAY * passed_ratio)
            doubt_deg[who] += np.float32(_LARGEST_DOUBT_DEG - _SETTLED_DOUBT_DEG) * np.exp(-_DOUBT_DECAY * passed_ratio)
            error_deg[2, who] *= doubt_deg[who] / np.float32(_NOISE_DEG) * np.float32(0.5)
        tilt_deg = np.round(np.clip(np.abs(self.tilt_deg + error_deg[0]), 0.0, 180.0), 1)
        elevation_deg = np.clip(90.0 - self.tilt_deg - error_deg[1], -90.0, 90.0)
        alert = (tilt_deg > _MAST_ALERT_DEG) * np.int32(TerminalAlert.MAST_NOT_NEAR_VERTICAL)
        return {
            "tilt_angle_deg": tilt_deg,
            "boresight_azimuth_deg": np.round((self.azimuth_deg + error_deg[2]) % np.float32(360.0), 1),
            "boresight_elevation_deg": np.round(elevation_deg, 1).astype(np.float32),
            "attitude_uncertainty_deg": np.round(doubt_deg, 1),
            "attitude_converged": converged,
            "alerts": alert.astype(np.int32),
        }

    def desired(self) -> dict[str, Array]:
        """Give where each face should point."""
        return {
            "desired_boresight_azimuth_deg": np.round(self._desired[1], 1),
            "desired_boresight_elevation_deg": np.round(np.float32(90.0) - self._desired[0], 1),
        }

    def _start_anew(self, who: Array, at_ns: int, lasts_s: Floats, by_deg: Floats32) -> None:
        self._upset_at_ns[who] = at_ns
        self.unsettled_until_ns[who] = at_ns + (lasts_s * 10.0).astype(np.int64) * (NS_PER_S // 10)
        side = np.where(self._rng.random(len(who)) < 0.5, -1.0, 1.0)
        self._disagreement_deg[who] = np.minimum(by_deg, LARGEST_DISAGREEMENT_DEG - 1.0) * side
        self._unsettled = np.union1d(self._unsettled, who).astype(np.int32)

    def _passed_ratio(self, who: Array, at_ns: int) -> Floats32:
        """Say how far each filter is on its way from upset to settled."""
        lasts_ns = self.unsettled_until_ns[who] - self._upset_at_ns[who]
        return ((at_ns - self._upset_at_ns[who]) / lasts_ns).astype(np.float32)


def _leaning(face: Floats32, east_deg: Floats, north_deg: Floats) -> Floats:
    lean = np.stack([np.tan(np.radians(east_deg)), np.tan(np.radians(north_deg)), np.zeros(len(face))], axis=-1)
    leaning: Floats = face + lean
    leaning /= np.linalg.norm(leaning, axis=-1, keepdims=True)
    return leaning


def _angles_deg(face: Array) -> tuple[Array, Array]:
    """Give tilt and azimuth of faces."""
    east, north, up = np.moveaxis(face, -1, 0)
    return np.degrees(np.arctan2(np.hypot(east, north), up)), np.degrees(np.arctan2(east, north)) % 360.0


def _between_deg(one: Floats32, other: Floats32) -> Floats32:
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    angle_deg: Floats32 = np.degrees(np.arctan2(sine, np.sum(one * other, axis=-1))).astype(np.float32)
    return angle_deg
