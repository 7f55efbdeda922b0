"""The coefficients of the polynomials in kernels/double_*.hxx, sine.hxx, arc.hxx and power.hxx (needs mpmath).

    python scripts/fit_functions.py [name ...]

Prints each polynomial from the highest power down, as the kernels have it, and the largest relative error that rounding its
coefficients and ending it there leave in the function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mpmath import asin, atan, atanh, chebyfit, cos, erf, erfc, exp, expm1, log, mp, mpf, pi, polyval, sin, sinh, sqrt, tanh

mp.dps = 60
Real = Any


@dataclass(frozen=True)
class Fit:
    """A polynomial of so many terms for `function` between two ends; `share` is its part in the result at a point."""

    function: Callable[[Real], Real]
    low: Real
    high: Real
    terms: int
    share: Callable[[Real], Real]


def odd_rest(function: Callable[[Real], Real], z: Real) -> Real:
    """(f(x) / x - 1) / x^2 for an odd f, z = x^2."""
    x = sqrt(max(z, mpf(10) ** -20))
    return (function(x) / x - 1) / x**2


def exp_rest(r: Real) -> Real:
    """(exp(r) - 1 - r) / r^2."""
    return (expm1(r) - r) / r**2 if abs(r) > mpf(10) ** -20 else mpf(1) / 2


def log_rest(terms: int, z: Real) -> Real:
    """What is left of 2 atanh(s) / s behind the first terms, z = s^2."""
    s = sqrt(max(z, mpf(10) ** -12))
    return (2 * atanh(s) / s - sum(mpf(2) / (2 * k + 1) * s ** (2 * k) for k in range(terms))) / s ** (2 * terms)


def cos_rest(z: Real) -> Real:
    """(cos(x) - 1 + z / 2) / z^2, z = x^2."""
    return (cos(sqrt(z)) - 1 + z / 2) / z**2 if z > mpf(10) ** -12 else mpf(1) / 24


def erf_share(z: Real) -> Real:
    """erf(x) / x - 1, z = x^2."""
    x = sqrt(max(z, mpf(10) ** -20))
    return erf(x) / x - 1


def scaled_erfc(t: Real) -> Real:
    """(1 + 2 x) exp(x^2) erfc(x), t = (x - 2.5) / (x + 2.5)."""
    x = mpf(2.5) * (1 + t) / (1 - t)
    return (1 + 2 * x) * exp(x**2) * erfc(x)


HALF_LOG = 0.3468  # log(2) / 2 and a little more
LOG_LIMIT = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf(1.001)
ANGLE = (pi / 4) ** 2 * mpf(1.001)
FITS = {
    "exp": Fit(exp_rest, -HALF_LOG, HALF_LOG, 11, lambda r: r**2),
    "log": Fit(partial(log_rest, 1), 0, LOG_LIMIT, 7, lambda z: z / 2),
    "long_log": Fit(partial(log_rest, 3), 0, LOG_LIMIT, 7, lambda z: z**3 / 2),
    "sin": Fit(partial(odd_rest, sin), 0, ANGLE, 6, lambda z: z),
    "cos": Fit(cos_rest, 0, ANGLE, 6, lambda z: z**2),
    "asin": Fit(partial(odd_rest, asin), 0, 0.2501, 13, lambda z: z),
    "atan": Fit(partial(odd_rest, atan), 0, 0.1717, 11, lambda z: z),
    "sinh": Fit(partial(odd_rest, sinh), 0, 1.0001, 7, lambda z: z),
    "tanh": Fit(partial(odd_rest, tanh), 0, 0.3026, 11, lambda z: z),
    "erf": Fit(erf_share, 0, 0.2502, 9, lambda z: mpf(1)),
    "erfc": Fit(scaled_erfc, (mpf(0.49) - 2.5) / (mpf(0.49) + 2.5), (mpf(27.3) - 2.5) / (mpf(27.3) + 2.5), 22, lambda t: mpf(1)),
}


def main() -> None:
    """Fits what the command line names, or all."""
    for name in sys.argv[1:] or FITS:
        fit = FITS[name]
        low, high = mpf(fit.low), mpf(fit.high)
        coefficients = [float(c) for c in chebyfit(fit.function, [low, high], fit.terms)]
        points = [low + (high - low) * k / 400 for k in range(401)]
        error = max(abs(fit.share(x) * (polyval([mpf(c) for c in coefficients], x) - fit.function(x))) for x in points)
        print(f"{name}: 2^{float(log(error, 2)):.1f}\n   {', '.join(map(repr, coefficients))}")


if __name__ == "__main__":
    main()
