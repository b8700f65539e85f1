"""What a gateway's feeder links give in rain and trouble, and how many of its antennas carry traffic."""

import msgspec
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


class Feeders(msgspec.Struct, frozen=True, kw_only=True):
    """The feeder links of every gateway while nothing changes.

    Attributes:
        downlink_snr_db: Signal over noise from satellites.
        uplink_snr_db: Signal over noise at satellites.
        hearing_antennas: Antennas in contact with their satellites in both directions.
        carrying_antennas: Those that carry traffic: of a site that reaches its network.
        downwards_lost_ratio, upwards_lost_ratio: Share of packets that is lost.
    """

    downlink_snr_db: Floats
    uplink_snr_db: Floats
    hearing_antennas: Shorts
    carrying_antennas: Shorts
    downwards_lost_ratio: Floats
    upwards_lost_ratio: Floats

    @property
    def carries(self) -> Bools:
        """Which gateways carry traffic at all."""
        return np.asarray(self.carrying_antennas > 0)


def feeders_of(gateways: GatewayConditions) -> Feeders:
    """Work out what rain and trouble leave of the feeder links."""
    downlink_snr_db = _CLEAR_DOWNLINK_SNR_DB - gateways.downlink_fade_db - _rain_db(gateways, DOWNLINK_GHZ)
    uplink_snr_db = _CLEAR_UPLINK_SNR_DB - gateways.uplink_fade_db - _rain_db(gateways, UPLINK_GHZ)
    hears = gateways.up & gateways.hpa_on & (np.minimum(downlink_snr_db, uplink_snr_db) >= _LEAST_SNR_DB)
    hearing_antennas = np.where(hears, gateways.antennas_in_service, 0).astype(np.int16)
    return Feeders(
        downlink_snr_db=downlink_snr_db,
        uplink_snr_db=uplink_snr_db,
        hearing_antennas=hearing_antennas,
        carrying_antennas=np.where(fibre_up(gateways), hearing_antennas, 0).astype(np.int16),
        downwards_lost_ratio=1.0 - (1.0 - gateways.loss_ratio) * _kept(downlink_snr_db),
        upwards_lost_ratio=1.0 - (1.0 - gateways.loss_ratio) * _kept(uplink_snr_db),
    )


def _kept(snr_db: Floats) -> Floats:
    kept: Floats = 1.0 / (1.0 + np.exp(-_STEEPNESS_PER_DB * (snr_db - _LEAST_SNR_DB - 1.0)))
    return kept


def _rain_db(gateways: GatewayConditions, frequency_ghz: float) -> Floats:
    rate_mmph = rain_mmph(gateways)
    wet = rate_mmph > 0.0
    if not wet.any():
        return np.zeros(len(wet))
    return np.where(wet, rain_db(np.maximum(rate_mmph, 1e-6), frequency_ghz, _MEDIAN_ELEVATION_DEG), 0.0)
