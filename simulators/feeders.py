"""What a gateway's feeder links give in rain and trouble, and how many of its antennas carry traffic."""

import numpy as np

from simulators.geometry import Floats
from simulators.link import DOWNLINK_GHZ, UPLINK_GHZ
from simulators.network_conditions import Bools, GatewayConditions, Shorts, fibre_up, rain_mmph
from simulators.rain import rain_db

# A big dish and power to spare; assumed, as the budget is not public.
_CLEAR_DOWNLINK_SNR_DB = 16.0
_CLEAR_UPLINK_SNR_DB = 18.0
# Reported as the median of the links in use, which stand at about this elevation.
_MEDIAN_ELEVATION_DEG = np.array([40.0])
# The weakest coding of feeder links, and how sharply loss sets in around it.
_LEAST_SNR_DB = 1.0
_STEEPNESS_PER_DB = 3.0


def downlink_snr_db(gateways: GatewayConditions) -> Floats:
    """Give the signal over noise from satellites."""
    return _CLEAR_DOWNLINK_SNR_DB - gateways.downlink_fade_db - _rain_db(gateways, DOWNLINK_GHZ)


def uplink_snr_db(gateways: GatewayConditions) -> Floats:
    """Give the signal over noise at satellites."""
    return _CLEAR_UPLINK_SNR_DB - gateways.uplink_fade_db - _rain_db(gateways, UPLINK_GHZ)


def hearing_antennas(gateways: GatewayConditions) -> Shorts:
    """Count the antennas that are in contact with their satellites in both directions."""
    weakest_db = np.minimum(downlink_snr_db(gateways), uplink_snr_db(gateways))
    hears = gateways.up & gateways.hpa_on & (weakest_db >= _LEAST_SNR_DB)
    return np.where(hears, gateways.antennas_in_service, 0).astype(np.int16)


def carrying_antennas(gateways: GatewayConditions) -> Shorts:
    """Count the antennas that carry traffic: those of a site that reaches its network."""
    return np.where(fibre_up(gateways), hearing_antennas(gateways), 0).astype(np.int16)


def carries(gateways: GatewayConditions) -> Bools:
    """Tell which gateways carry traffic at all."""
    return np.asarray(carrying_antennas(gateways) > 0)


def lost_ratio(gateways: GatewayConditions) -> tuple[Floats, Floats]:
    """Give the share of packets lost downwards and upwards."""
    downwards, upwards = (
        1.0 - (1.0 - gateways.loss_ratio) * _kept(snr_db)
        for snr_db in (downlink_snr_db(gateways), uplink_snr_db(gateways))
    )
    return downwards, upwards


def _kept(snr_db: Floats) -> Floats:
    kept: Floats = 1.0 / (1.0 + np.exp(-_STEEPNESS_PER_DB * (snr_db - _LEAST_SNR_DB - 1.0)))
    return kept


def _rain_db(gateways: GatewayConditions, frequency_ghz: float) -> Floats:
    rate_mmph = rain_mmph(gateways)
    wet = rate_mmph > 0.0
    if not wet.any():
        return np.zeros(len(wet))
    return np.where(wet, rain_db(np.maximum(rate_mmph, 1e-6), frequency_ghz, _MEDIAN_ELEVATION_DEG), 0.0)
