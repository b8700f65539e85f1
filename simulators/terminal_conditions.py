"""What is true of every terminal now, before anything is measured: faults write it, physics reads it."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulators.fleet import Terminals
from simulators.geometry import Floats

Flags = NDArray[np.bool_]
Floats32 = NDArray[np.float32]

ETHERNET_BPS = 1_000_000_000


class TerminalConditions(msgspec.Struct, kw_only=True):
    """An entry a terminal. A fault writes into the arrays at the instant of a change and never replaces them.

    Attributes:
        powered: Has power; a boot follows its return.
        stowed, asleep: Put away, or saving power, by its owner.
        told: Its telemetry finds its way out; false is a silent terminal that serves on.
        tilt_deg, azimuth_deg: Where the face rests on its mount; the sway of a ship or an aircraft comes on top.
        snow_loss_db: What lies on the face.
        downlink_loss_db, uplink_loss_db: What hardware or interference takes from one direction.
        blocked_from_deg, blocked_to_deg: Azimuths, clockwise, between which something new stands in the way ...
        blocked_below_deg: ... up to this elevation; 0 where nothing does.
        temperature_offset_celsius: Heat beyond what weather and load make.
        water: Water inside.
        ethernet_bps: What its port has negotiated.
        clock_offset_ns, clock_drift_ns_per_s: Its clock's error, and by how much it grows; the growth is the reader's.
        gnss_jammed: It does not know where it is nor what time it is; service goes on.
        encrypted: The envelope from terminal to PoP is intact.
        private_egress: False where private traffic leaves to the Internet.
        address: Number of its address lease; a new one is a change of address.
        firmware: Index of its firmware's version.
        boot_count: Boots since manufacture; a firmware's reboot adds one, and the terminal boots.
        serving_stale: It goes on naming the satellite that it had before.
        plan_age_slots: It follows the plan of so many slots ago; 0 follows the newest.
        terrestrial_up: The path beside Leo works, where the site has one.
        standby_dead: Leo, standing by, is silently dead for the site's router.
        demand_factor: What its customers ask for beside their habit.
    """

    powered: Flags
    stowed: Flags
    asleep: Flags
    told: Flags
    tilt_deg: Floats
    azimuth_deg: Floats
    snow_loss_db: Floats32
    downlink_loss_db: Floats32
    uplink_loss_db: Floats32
    blocked_from_deg: Floats32
    blocked_to_deg: Floats32
    blocked_below_deg: Floats32
    temperature_offset_celsius: Floats32
    water: Flags
    ethernet_bps: NDArray[np.int64]
    clock_offset_ns: NDArray[np.int64]
    clock_drift_ns_per_s: Floats32
    gnss_jammed: Flags
    encrypted: Flags
    private_egress: Flags
    address: NDArray[np.int32]
    firmware: NDArray[np.int8]
    boot_count: NDArray[np.int32]
    serving_stale: Flags
    plan_age_slots: NDArray[np.int8]
    terrestrial_up: Flags
    standby_dead: Flags
    demand_factor: Floats32


def untroubled(terminals: Terminals) -> TerminalConditions:
    """Return the conditions of a day on which nothing is wrong."""
    count = len(terminals)

    def flags(value: bool) -> Flags:
        return np.full(count, value, dtype=np.bool_)

    def floats(value: float = 0.0) -> Floats32:
        return np.full(count, value, dtype=np.float32)

    return TerminalConditions(
        powered=flags(True),
        stowed=flags(False),
        asleep=flags(False),
        told=flags(True),
        tilt_deg=terminals.aligned_tilt_deg.copy(),
        azimuth_deg=terminals.aligned_azimuth_deg.copy(),
        snow_loss_db=floats(),
        downlink_loss_db=floats(),
        uplink_loss_db=floats(),
        blocked_from_deg=floats(),
        blocked_to_deg=floats(),
        blocked_below_deg=floats(),
        temperature_offset_celsius=floats(),
        water=flags(False),
        ethernet_bps=np.full(count, ETHERNET_BPS, dtype=np.int64),
        clock_offset_ns=np.zeros(count, dtype=np.int64),
        clock_drift_ns_per_s=floats(),
        gnss_jammed=flags(False),
        encrypted=flags(True),
        private_egress=flags(True),
        address=np.zeros(count, dtype=np.int32),
        firmware=np.zeros(count, dtype=np.int8),
        boot_count=np.zeros(count, dtype=np.int32),
        serving_stale=flags(False),
        plan_age_slots=np.zeros(count, dtype=np.int8),
        terrestrial_up=flags(True),
        standby_dead=flags(False),
        demand_factor=floats(1.0),
    )
