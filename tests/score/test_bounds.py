"""Shares, their 95 % bounds and quantiles."""

import pytest

from leowatch.score.bounds import quantiles, rate, wilson

A_THOUSANDTH = 1e-3


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (score without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_bounds_agree_with_published_ones_within_a_thousandth(right, of, low, high):
    assert wilson(right, of) == pytest.approx((low, high), abs=A_THOUSANDTH)


def test_all_right_of_few_is_no_certainty():
    assert rate(5, 5).low_ratio == pytest.approx(0.5655, abs=A_THOUSANDTH)
    assert rate(5, 5).high_ratio == 1.0


def test_nothing_judged_is_null_and_not_one():
    assert rate(0, 0).ratio is None
    assert quantiles([]).p50 is None


def test_quantiles_are_the_median_and_the_95_percent_point():
    found = quantiles(range(101))

    assert (found.p50, found.p95) == (50.0, 95.0)
