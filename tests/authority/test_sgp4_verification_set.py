"""SGP4 against the verification set of AIAA 2006-6753."""

from pathlib import Path

import numpy as np
import pytest
from sgp4.api import WGS72, Satrec

from simulators.orbits import DAY_NS, propagate, read_element_sets, sidereal_rad

FOLDER = Path(__file__).parents[1] / "data" / "sgp4_verification"
A_CENTIMETRE_KM = 1e-5


def expected_states() -> dict[int, np.ndarray]:
    states: dict[int, list[list[float]]] = {}
    for line in (FOLDER / "tcppver.out").read_text().splitlines():
        fields = line.split()
        if fields[-1] == "xx":
            states[int(fields[0])] = rows = []
        else:
            rows.append([float(field) for field in fields[:7]])
    return {satellite: np.array(rows) for satellite, rows in states.items()}


def element_lines() -> list[tuple[str, str]]:
    lines = [line for line in (FOLDER / "SGP4-VER.TLE").read_text().splitlines() if line[:2] in ("1 ", "2 ")]
    return [(first, second[:69]) for first, second in zip(lines[0::2], lines[1::2], strict=True)]


def test_every_verified_state_is_met_within_a_centimetre():
    expected = expected_states()
    compared = 0
    for first, second in element_lines():
        satrec = Satrec.twoline2rv(first, second, WGS72)
        states = expected[satrec.satnum]
        # 33334's only line is the error it must give.
        for minutes, *state in states:
            error, position_km, velocity_km_per_s = satrec.sgp4_tsince(minutes)
            if error:
                continue
            assert np.abs(np.subtract(position_km, state[:3])).max() < A_CENTIMETRE_KM
            assert np.abs(np.subtract(velocity_km_per_s, state[3:])).max() < A_CENTIMETRE_KM
            compared += 1
    assert compared >= 660


def earth_fixed(teme_km: np.ndarray, angle_rad: float) -> np.ndarray:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) @ teme_km


@pytest.mark.parametrize("satellite", [6251, 28057, 25954])
def test_our_own_road_from_element_set_to_earth_fixed_keeps_the_verified_state(satellite):
    first, second = next(pair for pair in element_lines() if int(pair[0][2:7]) == satellite)
    (element_set,) = read_element_sets(f"ANY NAME\n{first}\n{second}\n")
    states = expected_states()[satellite]
    at_ns = element_set.epoch_at_ns + np.round(states[:, 0] * DAY_NS / 1440).astype(np.int64)

    motion = propagate([element_set.satrec], at_ns)

    # An instant is rounded to a microsecond of the element set's epoch: 8 mm along the track.
    for position_km, teme_km, angle in zip(motion.position_km[:, 0], states[:, 1:4], sidereal_rad(at_ns), strict=True):
        assert np.linalg.norm(position_km - earth_fixed(teme_km, angle)) < 2 * A_CENTIMETRE_KM
