"""What a service link gives: losses, signal, round trip, drop and throughput, from geometry and weather."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.geometry import LIGHT_SPEED_KM_PER_S, Floats

DOWNLINK_GHZ = 19.7  # within 18.8-20.2 GHz granted by FCC 20-102
UPLINK_GHZ = 29.0  # within 28.6-29.1 GHz

# A level antenna sees the sky down to 35 degrees of elevation: 55 degrees from its boresight.
SCAN_LIMIT_DEG = 55.0
SCAN_EXPONENT = 1.3  # of the cosine; arrays show 1.2 to 1.5

# The real budget (EIRP, G/T) is not public; the level is assumed, its changes are physics.
CLEAR_SKY_ZENITH_SNR_DB = 14.0
ZENITH_RANGE_KM = 630.0

# The terminal transmits with less than the satellite does, and raises its power against rain (both assumed).
UPLINK_BACKOFF_DB = 3.0
UPLINK_POWER_CONTROL_DB = 6.0

GATEWAY_ROUND_TRIP_MS = 12.0  # gateway to the cloud's network at launch (re:Invent 2025, ARC320)
PROCESSING_MS = 4.0  # scheduling and processing, 3 to 5 ms assumed

CLEAR_DROP_RATIO = 0.001  # LeoCC's authors measured 0.0001 down and 0.002 up
DROP_STEEPNESS_PER_DB = 3.0  # the cliff of a coded link: 1 dB takes it from good to gone


class Modcods(msgspec.Struct, frozen=True, kw_only=True):
    """Modulation and coding steps, in rising order of the SNR each needs."""

    names: tuple[str, ...]
    least_snr_db: Floats
    bits_per_symbol: Floats


# ETSI EN 302 307-1 V1.4.1 table 13, the steps that are on the frontier; its weakest three are left out, so the link
# closes at about 0 dB. What modulation Leo uses is not public.
_DVB_S2 = (
    ("QPSK 2/5", -0.30, 0.789),
    ("QPSK 1/2", 1.00, 0.989),
    ("QPSK 3/5", 2.23, 1.188),
    ("QPSK 2/3", 3.10, 1.322),
    ("QPSK 3/4", 4.03, 1.487),
    ("QPSK 5/6", 5.18, 1.655),
    ("8PSK 3/5", 5.50, 1.780),
    ("8PSK 2/3", 6.62, 1.981),
    ("8PSK 3/4", 7.91, 2.228),
    ("16APSK 2/3", 8.97, 2.637),
    ("16APSK 3/4", 10.21, 2.967),
    ("16APSK 4/5", 11.03, 3.166),
    ("16APSK 5/6", 11.61, 3.300),
    ("32APSK 3/4", 12.73, 3.703),
    ("32APSK 4/5", 13.64, 3.952),
)
MODCODS = Modcods(
    names=tuple(name for name, _, _ in _DVB_S2),
    least_snr_db=np.array([snr_db for _, snr_db, _ in _DVB_S2]),
    bits_per_symbol=np.array([bits for _, _, bits in _DVB_S2]),
)
LEAST_SNR_DB = float(MODCODS.least_snr_db[0])
# The step at the edge of the cone in clear sky (6.8 dB): a plan's rate is sold for the whole cone.
PLAN_BITS_PER_SYMBOL = 1.981


def free_space_loss_db(range_km: Floats | float, frequency_ghz: float) -> Floats:
    """Give Friis' loss between isotropic antennas."""
    wavelength_km = LIGHT_SPEED_KM_PER_S / (frequency_ghz * 1e9)
    return np.asarray(20.0 * np.log10(4.0 * np.pi * np.asarray(range_km) / wavelength_km))


def scan_loss_db(off_boresight_deg: Floats | float) -> Floats:
    """Give what a flat array loses by looking aside; beyond 89 degrees it stays what it is there."""
    cosine = np.cos(np.radians(np.minimum(off_boresight_deg, 89.0)))
    return np.asarray(-10.0 * SCAN_EXPONENT * np.log10(cosine))


def scan_loss_of_cosine_db(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the scan loss from the cosine of the angle off boresight; behind the face it stays what it is beside it."""
    return np.float32(-10.0 * SCAN_EXPONENT) * np.log10(np.maximum(cosine, np.float32(0.02)))


def level_snr_db(range_km: Floats) -> Floats:
    """Give the clear-sky signal over noise of a face that looks straight at its satellite."""
    return CLEAR_SKY_ZENITH_SNR_DB - 20.0 * np.log10(range_km / ZENITH_RANGE_KM)


def snr_db(range_km: Floats, off_boresight_deg: Floats, rain_db: Floats | float = 0.0) -> Floats:
    """Give the signal over noise: the clear-sky zenith level less what distance, scan and rain take."""
    return level_snr_db(range_km) - scan_loss_db(off_boresight_deg) - rain_db


def doppler_hz(position_km: Floats, velocity_km_per_s: Floats, site_km: Floats, frequency_ghz: float) -> Floats:
    """Give the shift seen by a site; positive while the satellite approaches. All vectors are Earth-fixed."""
    sight_km = position_km - site_km
    range_km = np.linalg.norm(sight_km, axis=-1)
    range_rate_km_per_s = np.sum(sight_km * velocity_km_per_s, axis=-1) / range_km
    return np.asarray(-range_rate_km_per_s / LIGHT_SPEED_KM_PER_S * frequency_ghz * 1e9)


def propagation_round_trip_ms(
    service_range_km: Floats | float, feeder_range_km: Floats | float, laser_km: Floats | float = 0.0
) -> Floats:
    """Give the time light takes terminal - satellite (- lasers) - gateway and back."""
    return np.asarray(2.0 * (service_range_km + feeder_range_km + np.asarray(laser_km)) / LIGHT_SPEED_KM_PER_S * 1e3)


def round_trip_ms(
    propagation_ms: Floats,
    *,
    gateway_round_trip_ms: Floats | float = GATEWAY_ROUND_TRIP_MS,
    processing_ms: Floats | float = PROCESSING_MS,
    queueing_ms: Floats | float = 0.0,
    jitter_ms: Floats | float = 0.0,
) -> Floats:
    """Add up the round trip to the PoP; no queue or jitter makes light faster."""
    return propagation_ms + np.maximum(gateway_round_trip_ms + processing_ms + queueing_ms + jitter_ms, 0.0)


def drop_ratio(snr_db: Floats, interrupted_s: Floats | float = 0.0, interval_s: float = 1.0) -> Floats:
    """Give the share of pings lost in an interval of which a part was interrupted, as at a slot's edge."""
    margin_db = snr_db - LEAST_SNR_DB
    coded = CLEAR_DROP_RATIO + (1.0 - CLEAR_DROP_RATIO) / (1.0 + np.exp(DROP_STEEPNESS_PER_DB * margin_db))
    absent = np.clip(np.asarray(interrupted_s) / interval_s, 0.0, 1.0)
    return np.asarray(absent + (1.0 - absent) * coded)


def modcod(snr_db: Floats | NDArray[np.float32]) -> NDArray[np.int8]:
    """Choose the highest step this signal carries to a tenth of a dB, as an index into MODCODS; -1 where none."""
    tenths = np.rint((snr_db - _STEPS_FROM_DB) * 10.0)
    steps: NDArray[np.int8] = _STEP_BY_TENTH[
        np.clip(np.nan_to_num(tenths), 0, len(_STEP_BY_TENTH) - 1).astype(np.int16)
    ]
    return steps


def throughput_bps(modcod: NDArray[np.int8], capacity_bps: Floats | float, load_ratio: Floats | float = 1.0) -> Floats:
    """Give what flows: the demanded share of the plan's capacity, as far as the modulation carries it."""
    bits_per_symbol = np.where(modcod >= 0, MODCODS.bits_per_symbol[modcod], 0.0)
    return np.asarray(capacity_bps * np.minimum(load_ratio, bits_per_symbol / PLAN_BITS_PER_SYMBOL))


_STEPS_FROM_DB, _STEPS_TO_DB = -1.0, 15.0
_STEP_BY_TENTH = (
    np.searchsorted(MODCODS.least_snr_db, np.arange(_STEPS_FROM_DB, _STEPS_TO_DB, 0.1) + 1e-9, side="right") - 1
).astype(np.int8)
