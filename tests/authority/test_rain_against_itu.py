"""Specific attenuation against the validation rows of ITU-R Study Group 3."""

import csv
from pathlib import Path

import numpy as np
import pytest

from simulators.rain import power_law, specific_attenuation_db_per_km

ROWS = Path(__file__).parents[1] / "data" / "itu_p838" / "ITURP838-3_rain_specific_attenuation.csv"
ONE_PER_CENT = 0.01


def columns() -> dict[str, np.ndarray]:
    names, _units, *rows = csv.reader(ROWS.read_text(encoding="utf-8").splitlines())
    return dict(zip(names, np.array(rows, dtype=float).T, strict=True))


def test_every_row_of_the_itu_is_met_within_a_per_cent():
    row = columns()
    paths = [float(f) for f in row["f"]], row["el"], row["tau"]
    k, alpha = np.transpose([power_law(*path) for path in zip(*paths, strict=True)])
    gamma = np.array([specific_attenuation_db_per_km(*path) for path in zip(row["R"], *paths, strict=True)])
    assert len(gamma) == 64
    for ours, theirs in ((k, row["k"]), (alpha, row["alpha"]), (gamma, row["gamma_r"])):
        assert np.abs(ours / theirs - 1.0).max() < ONE_PER_CENT


@pytest.mark.parametrize(
    ("rate_mm_per_h", "expected"),
    [(5, (0.39, 0.47, 0.96, 1.02)), (25, (2.07, 2.44, 4.36, 4.59)), (50, (4.26, 4.96, 8.39, 8.77)),
     (100, (8.77, 10.08, 16.1, 16.8))],
)  # fmt: skip
def test_the_bands_of_this_network(rate_mm_per_h, expected):
    rate = np.array(float(rate_mm_per_h))
    gamma = [specific_attenuation_db_per_km(rate, frequency_ghz, 35.0) for frequency_ghz in (17.8, 19.7, 28.5, 29.5)]
    assert gamma == pytest.approx(expected, rel=0.015)
