"""The body of every terminal: how warm it is, what it draws, and which of its alert bits are set."""

import numpy as np

from ingest.contract.columns import Array
from ingest.contract.vocabulary import TerminalAlert
from simulators.fleet import FULL_POWER_W, Terminals
from simulators.noise import Noise
from simulators.terminal_conditions import ETHERNET_BPS, Flags, Floats32, TerminalConditions

# The board follows load and air as one body (assumed; a dish's own limits are not public).
_LAG_S = 180.0
_WARMTH_CELSIUS = (32.0, 6.0)  # mean and spread over sites
_LOAD_CELSIUS = 8.0
_NOISE_CELSIUS = 0.2
THROTTLE_CELSIUS = 75.0
SHUTDOWN_CELSIUS, RESTART_CELSIUS = 88.0, 70.0
_IDLE_RATIO, _LOAD_RATIO, _HEATING_RATIO, _ASLEEP_RATIO = 0.45, 0.5, 0.35, 0.08  # of full power


class Health:
    """All bodies.

    Attributes:
        too_hot: Which have shut themselves down until they are cool.
    """

    def __init__(
        self, terminals: Terminals, conditions: TerminalConditions, noise: Noise, rng: np.random.Generator
    ) -> None:
        count = len(terminals)
        self._conditions, self._noise = conditions, noise
        self._full_power_w = FULL_POWER_W[terminals.model].astype(np.float32)
        self._warmth_celsius = rng.normal(*_WARMTH_CELSIUS, count).astype(np.float32)
        self._celsius = self._warmth_celsius + np.float32(1.0)
        self.too_hot: Flags = np.zeros(count, dtype=np.bool_)

    def live_through_second(self, load_ratio: Floats32) -> None:
        """Warm up or cool down by a second."""
        aim_celsius = (
            self._warmth_celsius + np.float32(_LOAD_CELSIUS) * load_ratio + self._conditions.temperature_offset_celsius
        )
        self._celsius += (aim_celsius - self._celsius) * np.float32(1.0 / _LAG_S)
        limit_celsius = np.where(self.too_hot, np.float32(RESTART_CELSIUS), np.float32(SHUTDOWN_CELSIUS))
        self.too_hot = self._celsius > limit_celsius

    def measure(self, load_ratio: Floats32, alerts: Array) -> dict[str, Array]:
        """Give temperature, power and alerts.

        Args:
            load_ratio: What each terminal moves, as a share of its plan.
            alerts: Bits that others have set.
        """
        conditions = self._conditions
        noise_celsius = np.float32(_NOISE_CELSIUS) * self._noise.normal()
        heating = conditions.snow_loss_db > 0.0
        drawn_ratio = np.float32(_IDLE_RATIO) + np.float32(_LOAD_RATIO) * load_ratio
        drawn_ratio += np.float32(_HEATING_RATIO) * heating
        drawn_ratio[conditions.asleep | conditions.stowed | self.too_hot] = _ASLEEP_RATIO
        bits = {
            TerminalAlert.IS_HEATING: heating,
            TerminalAlert.SLOW_ETHERNET: conditions.ethernet_bps < ETHERNET_BPS,
            TerminalAlert.WATER_DETECTED: conditions.water,
            TerminalAlert.POWER_SAVE_IDLE: conditions.asleep,
            TerminalAlert.THERMAL_THROTTLE: self._celsius > THROTTLE_CELSIUS,
            TerminalAlert.THERMAL_SHUTDOWN: self.too_hot,
        }
        for bit, flags in bits.items():
            alerts |= flags * np.int32(bit)
        return {
            "temperature_celsius": np.round((self._celsius + noise_celsius) * np.float32(2.0)) * np.float32(0.5),
            "power_w": np.round(self._full_power_w * drawn_ratio),
            "alerts": alerts,
        }
