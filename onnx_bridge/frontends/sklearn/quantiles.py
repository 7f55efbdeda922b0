"""QuantileTransformer: columns to their ranks, and to what has these ranks among normal numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from onnx_bridge.frontends.sklearn.context import Context, Made, of_matrix

#: How close to the ends what has a rank ends; scikit-learn's BOUNDS_THRESHOLD.
_END = 1e-7

#: The inverse of the normal distribution as Cephes has it (ndtri.c), which scipy.special.ndtri is: fractions of polynomials, the highest
#: power first, in (p - 1/2)^2 for exp(-2) <= p <= 1 - exp(-2), else in 1 / sqrt(-2 log p) up to 1/8 and from there on.
_MIDDLE = (
    (-59.9633501014107895, 98.0010754185999661, -56.6762857469070293, 13.9312609387279679, -1.23916583867381258),
    (1.0, 1.95448858338141759, 4.67627912898881538, 86.3602421390890590, -225.462687854119370, 200.260212380060660,
     -82.0372256168333339, 15.9056225126211695, -1.18331621121330003),
)  # fmt: skip
_OUTER = (
    (4.05544892305962419, 31.5251094599893866, 57.1628192246421288, 44.0805073893200834, 14.6849561928858024, 2.18663306850790267,
     -0.140256079171354495, -0.0350424626827848203, -8.57456785154685413e-4),
    (1.0, 15.7799883256466749, 45.3907635128879210, 41.3172038254672030, 15.0425385692907503, 2.50464946208309415,
     -0.142182922854787788, -0.0380806407691578277, -9.33259480895457427e-4),
)  # fmt: skip
_OUTMOST = (
    (3.23774891776946035, 6.91522889068984211, 3.93881025292474443, 1.33303460815807542, 0.201485389549179081,
     0.0123716634817820021, 3.01581553508235416e-4, 2.65806974686737550e-6, 6.23974539184983293e-9),
    (1.0, 6.02427039364742014, 3.67983563856160859, 1.37702099489081330, 0.216236993594496635, 0.0134204006088543189,
     3.28014464682127739e-4, 2.89247864745380683e-6, 6.79019408009981274e-9),
)  # fmt: skip
_OUTSIDE = 0.13533528323661269189


def _polynomial(c: Context, x: str, factors: Sequence[float]) -> str:
    start = c.g.add("Add", c.g.add("Mul", x, np.float64(factors[0])), np.float64(factors[1]))
    return str(reduce(lambda sum_, factor: c.g.add("Add", c.g.add("Mul", sum_, x), np.float64(factor)), factors[2:], start))


def _fraction(c: Context, x: str, of: tuple[Sequence[float], Sequence[float]]) -> str:
    return str(c.g.add("Div", c.g.add("Mul", x, _polynomial(c, x, of[0])), _polynomial(c, x, of[1])))


def normal_of_rank(c: Context, p: str) -> str:
    """What a share p of normal numbers is below, 0 < p < 1."""
    one, outside = np.float64(1), np.float64(_OUTSIDE)
    above = c.g.add("Greater", p, np.float64(1 - _OUTSIDE))
    low = c.g.add("Where", above, c.g.add("Sub", one, p), p)
    middle = c.g.add("Greater", low, outside)
    y = c.g.add("Sub", p, np.float64(0.5))
    inside = c.g.add("Add", y, c.g.add("Mul", y, _fraction(c, c.g.add("Mul", y, y), _MIDDLE)))
    inside = c.g.add("Mul", inside, np.float64(2.50662827463100050242))
    far = c.g.add("Sqrt", c.g.add("Mul", c.g.add("Log", c.g.add("Min", low, outside)), np.float64(-2)))
    start = c.g.add("Sub", far, c.g.add("Div", c.g.add("Log", far), far))
    z = c.g.add("Div", one, far)
    shift = c.g.add("Where", c.g.add("Less", far, np.float64(8)), _fraction(c, z, _OUTER), _fraction(c, z, _OUTMOST))
    out = c.g.add("Sub", start, shift)
    return str(c.g.add("Where", middle, inside, c.g.add("Where", above, out, c.g.add("Neg", out))))


def _ranks(c: Context, x: str, at: np.ndarray, values: np.ndarray) -> str:
    """[rows][1]: straight lines between points of which several may be one; of those the last is taken, as numpy.interp does."""
    if len(at) == 1:
        return str(c.g.add("Add", c.g.add("Mul", x, np.float64(0)), values[0]))
    inside = c.g.add("Clip", x, np.float64(at[0]), np.float64(at[-1]))
    place = c.g.reduce("ReduceSum", c.g.cast(c.g.add("GreaterOrEqual", inside, at[1:][None]), np.int64), 1)
    width = np.diff(at)
    slopes = np.append(np.diff(values) / np.where(width > 0, width, 1), 0)
    first, slope, start = (c.g.add("Gather", c.g.constant(array), place, axis=0) for array in (at, slopes, values))
    return str(c.g.add("Add", c.g.add("Mul", slope, c.g.add("Sub", inside, first)), start))


@of_matrix("QuantileTransformer")
def quantile_transformer(c: Context, model: Any, x: str) -> Made:
    """The mean of the ranks from below and from above; what is at the ends, or beyond them, has the ends' ranks."""
    normal, columns = model.output_distribution == "normal", []
    references = np.asarray(model.references_, np.float64)
    near = np.float64(_END if normal else 0)
    for place in range(model.n_features_in_):
        at, column = np.asarray(model.quantiles_[:, place], np.float64), c.g.columns(x, [place], model.n_features_in_)
        up = _ranks(c, column, at, references)
        down = _ranks(c, c.g.add("Neg", column), -at[::-1], -references[::-1])
        rank = c.g.add("Mul", c.g.add("Sub", up, down), np.float64(0.5))
        low = c.g.add("LessOrEqual" if not normal else "Less", c.g.add("Sub", column, near), np.float64(at[0]))
        high = c.g.add("GreaterOrEqual" if not normal else "Greater", c.g.add("Add", column, near), np.float64(at[-1]))
        rank = c.g.add("Where", low, np.float64(0), c.g.add("Where", high, np.float64(1), rank))
        if normal:
            least = _END - np.spacing(1)
            rank = normal_of_rank(c, c.g.add("Clip", rank, np.float64(least), np.float64(1 - least)))
        missing = c.g.add("IsNaN", column)
        columns.append(c.g.add("Where", missing, column, rank))
    return {"transform": c.numbers(c.g.concat(columns), len(columns))}
