"""What rain takes from a signal: ITU-R P.838-3 along the wet part of the path."""

from functools import lru_cache

import msgspec
import numpy as np

from simulators.geometry import Floats

PATH_LIMIT_KM = 10.0  # low elevations leave the rain cell sideways before they leave it upwards


class _Regression(msgspec.Struct, frozen=True):
    """A column of P.838-3 tables 1 to 4: sums of Gaussians over log10 of the frequency in GHz, and a line."""

    height: tuple[float, ...]
    centre: tuple[float, ...]
    width: tuple[float, ...]
    slope: float
    offset: float

    def at(self, log_frequency: Floats) -> Floats:
        bumps = zip(self.height, self.centre, self.width, strict=True)
        total = sum(a * np.exp(-(((log_frequency - b) / c) ** 2)) for a, b, c in bumps)
        return np.asarray(total + self.slope * log_frequency + self.offset)


# ITU-R P.838-3 (03/2005), table 1
_LOG_K_HORIZONTAL = _Regression(
    height=(-5.33980, -0.35351, -0.23789, -0.94158),
    centre=(-0.10008, 1.26970, 0.86036, 0.64552),
    width=(1.13098, 0.45400, 0.15354, 0.16817),
    slope=-0.18961,
    offset=0.71147,
)
# table 2
_LOG_K_VERTICAL = _Regression(
    height=(-3.80595, -3.44965, -0.39902, 0.50167),
    centre=(0.56934, -0.22911, 0.73042, 1.07319),
    width=(0.81061, 0.51059, 0.11899, 0.27195),
    slope=-0.16398,
    offset=0.63297,
)
# table 3
_ALPHA_HORIZONTAL = _Regression(
    height=(-0.14318, 0.29591, 0.32177, -5.37610, 16.1721),
    centre=(1.82442, 0.77564, 0.63773, -0.96230, -3.29980),
    width=(-0.55187, 0.19822, 0.13164, 1.47828, 3.43990),
    slope=0.67849,
    offset=-1.95537,
)
# table 4
_ALPHA_VERTICAL = _Regression(
    height=(-0.07771, 0.56727, -0.20238, -48.2991, 48.5833),
    centre=(2.33840, 0.95545, 1.14520, 0.791669, 0.791459),
    width=(-0.76284, 0.54039, 0.26809, 0.116226, 0.116479),
    slope=-0.053739,
    offset=0.83433,
)


@lru_cache
def _by_polarisation(frequency_ghz: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Give k, horizontal and vertical, and k times alpha."""
    log_frequency = np.log10(np.asarray(frequency_ghz, dtype=np.float64))
    k_h, k_v = 10 ** _LOG_K_HORIZONTAL.at(log_frequency), 10 ** _LOG_K_VERTICAL.at(log_frequency)
    return k_h, k_v, k_h * _ALPHA_HORIZONTAL.at(log_frequency), k_v * _ALPHA_VERTICAL.at(log_frequency)


def power_law(
    frequency_ghz: float, elevation_deg: Floats | float, polarisation_tilt_deg: Floats | float = 45.0
) -> tuple[Floats, Floats]:
    """Give k and alpha of P.838-3 equations 4 and 5; a tilt of 45 degrees is circular polarisation."""
    k_h, k_v, k_alpha_h, k_alpha_v = _by_polarisation(frequency_ghz)
    geometry = np.cos(np.radians(elevation_deg)) ** 2 * np.cos(2.0 * np.radians(polarisation_tilt_deg))
    k = (k_h + k_v + (k_h - k_v) * geometry) / 2.0
    return k, (k_alpha_h + k_alpha_v + (k_alpha_h - k_alpha_v) * geometry) / (2.0 * k)


def specific_attenuation_db_per_km(
    rain_rate_mm_per_h: Floats,
    frequency_ghz: float,
    elevation_deg: Floats | float,
    polarisation_tilt_deg: Floats | float = 45.0,
) -> Floats:
    """Give the attenuation of a kilometre of rain."""
    k, alpha = power_law(frequency_ghz, elevation_deg, polarisation_tilt_deg)
    return np.asarray(k * rain_rate_mm_per_h**alpha)


def rain_height_km(latitude_deg: Floats) -> Floats:
    """Give the height up to which it rains: ITU-R P.618-5 section 2.2.1.1, a rule by latitude instead of P.839's map."""
    north, south = 5.0 - 0.075 * (latitude_deg - 23.0), 5.0 + 0.1 * (latitude_deg + 21.0)
    return np.clip(np.minimum(north, south), 0.5, 5.0)


def rain_db(
    rain_rate_mm_per_h: Floats,
    frequency_ghz: float,
    elevation_deg: Floats,
    rain_height_km: Floats | float = 4.0,
) -> Floats:
    """Give what rain takes from a slanted path.

    The path below the rain height is shortened by the horizontal reduction factor of P.618-14 step 6, for a strong
    rain cell is narrower than the path is long.
    """
    elevation = np.radians(elevation_deg)
    # A satellite of an old plan may have set: its path is as long as any.
    slant_km = np.minimum(rain_height_km / np.maximum(np.sin(elevation), 1e-3), PATH_LIMIT_KM)
    across_km = slant_km * np.maximum(np.cos(elevation), 0.0)  # right above, rounding may say beyond the zenith
    gamma = specific_attenuation_db_per_km(rain_rate_mm_per_h, frequency_ghz, elevation_deg)
    reduction = 1.0 / (
        1.0 + 0.78 * np.sqrt(across_km * gamma / frequency_ghz) - 0.38 * (1.0 - np.exp(-2.0 * across_km))
    )
    return np.asarray(gamma * slant_km * reduction)
