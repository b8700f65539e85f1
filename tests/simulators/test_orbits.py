import numpy as np
import pytest

from simulators.constellation import filed_layer
from simulators.geometry import geodetic
from simulators.orbits import propagate, read_element_sets
from simulators.shells import FILED_SHELLS

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z
SECOND_NS = 1_000_000_000

# 33334 of the verification set: perigee below the Earth's surface, SGP4 must refuse it.
BROKEN = """BROKEN
1 33334U 78066F   06174.85818871  .00000620  00000-0  10000-3 0  6809
2 33334  68.4714 236.1303 5602877 123.7484 302.5767  0.00001000    13
"""


@pytest.fixture(scope="module")
def layer():
    return filed_layer(START_AT_NS)


def test_every_satellite_stays_near_the_altitude_of_its_shell(layer):
    at_ns = START_AT_NS + np.arange(0, 86_400, 7200, dtype=np.int64) * SECOND_NS
    motion = propagate(layer.satellites, at_ns)
    _, _, altitude_km = geodetic(motion.position_km)
    filed_km = {shell.name: shell.altitude_km for shell in FILED_SHELLS}
    # The oblate Earth falls away by 14 km at 52 degrees, and makes the orbit breathe.
    assert np.abs(altitude_km - [filed_km[name] for name in layer.shell_names]).max() < 22
    assert motion.valid.all()


def test_velocity_is_the_rate_of_the_earth_fixed_position(layer):
    motion = propagate(layer.satellites[::100], START_AT_NS + np.arange(3) * SECOND_NS)
    rate_km_per_s = (motion.position_km[2] - motion.position_km[0]) / 2.0
    assert motion.velocity_km_per_s[1] == pytest.approx(rate_km_per_s, abs=5e-5)


def test_the_first_satellite_of_a_shell_starts_over_the_equator_going_north(layer):
    motion = propagate(layer.satellites[:1], np.array([START_AT_NS]))
    assert motion.position_km[0, 0, 2] == pytest.approx(0.0, abs=15)
    assert motion.velocity_km_per_s[0, 0, 2] > 5.0


def test_a_satellite_that_sgp4_gives_up_is_masked_and_nowhere(layer):
    (broken,) = read_element_sets(BROKEN)
    motion = propagate([layer.satellites[0], broken.satrec], np.array([START_AT_NS]))
    assert motion.valid.tolist() == [[True, False]]
    assert np.isnan(motion.position_km[0, 1]).all()
    assert np.isfinite(motion.position_km[0, 0]).all()
