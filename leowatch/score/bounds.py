"""Ratios that carry their own doubt: the Wilson score interval at 95 %, and plain quantiles."""

import math

import msgspec
import numpy as np
import numpy.typing as npt

# The 97.5 % point of the standard normal distribution: 95 % lies between minus and plus this.
Z_95 = 1.959963984540054


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """So many right of so many, with its 95 % bounds; all null where there was nothing to judge."""

    right_count: int
    of_count: int
    ratio: float | None
    low_ratio: float | None
    high_ratio: float | None


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Median and 95 % point of some seconds or shares; null where there were none."""

    p50: float | None
    p95: float | None


def wilson(right_count: int, of_count: int) -> tuple[float, float]:
    """Return the 95 % bounds of a share.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927), pages 209-212; advised for small samples by Brown, Cai and DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16 (2001), section 3.1.1:

        (p + z^2 / 2n  +-  z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
    """
    share = right_count / of_count
    stretch = Z_95**2 / of_count
    half = Z_95 * math.sqrt(share * (1 - share) / of_count + stretch / (4 * of_count))
    low, high = ((share + stretch / 2 + sign * half) / (1 + stretch) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def rate(right_count: int, of_count: int) -> Rate:
    """Return the share with its bounds."""
    if of_count == 0:
        return Rate(right_count=0, of_count=0, ratio=None, low_ratio=None, high_ratio=None)
    low, high = wilson(right_count, of_count)
    return Rate(
        right_count=right_count,
        of_count=of_count,
        ratio=round(right_count / of_count, 6),
        low_ratio=round(low, 6),
        high_ratio=round(high, 6),
    )


def quantiles(values: npt.ArrayLike) -> Quantiles:
    """Return median and 95 % point."""
    found = np.asarray(values, dtype=float)
    if found.size == 0:
        return Quantiles(p50=None, p95=None)
    p50, p95 = np.quantile(found, (0.5, 0.95)).round(3)
    return Quantiles(p50=float(p50), p95=float(p95))
