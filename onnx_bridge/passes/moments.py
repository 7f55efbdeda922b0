"""Variances and means in a graph, however they are written, and what is made of them as sums of products."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.links import Links
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Shape, Tensor
from onnx_bridge.library.known import MOST
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.pow import Pow
from onnx_bridge.operators.reduce import ReduceMean, ReduceSum, ReduceSumSquare
from onnx_bridge.operators.variadic import Max
from onnx_bridge.passes.expressions import INVERSE, MEAN, ONE, Expression, X

Add, Sub, Mul, Div, Relu = (TABLE[name] for name in ("Add", "Sub", "Mul", "Div", "Relu"))

#: What a mean may be made by, one behind the other.
MEANS = (ReduceMean, ReduceSum, Div, Mul, Identity, Reshaping, Expand)


@dataclass(frozen=True)
class Moments:
    """What a root is the root of: the variance of x along `axes` (`centered`), or the mean of its squares, plus epsilon."""

    x: Tensor
    axes: tuple[int, ...]
    centered: bool
    epsilon: float

    @property
    def kept(self) -> Shape:
        """The shape of a moment whose axes are kept."""
        return tuple(1 if axis in self.axes else size for axis, size in enumerate(self.x.shape))


def moments_of(root: ROperator, producers: Mapping[Tensor, ROperator]) -> Moments | None:
    """What a Sqrt, or a Pow by 0.5 or -0.5, is the root of; None if it is of anything else."""
    if isinstance(root, Pow) and number_of(root.input(1)) not in (0.5, -0.5):
        return None
    total = producers.get(root.x)
    if not isinstance(total, Add):
        return None
    for variance, epsilon in ((total.input(0), total.input(1)), (total.input(1), total.input(0))):
        added = number_of(epsilon)
        if added is None or added < 0 or variance.shape != root.y.shape:
            continue
        found = variance_of(variance, producers)
        if found is not None and found.kept == variance.shape:
            return Moments(found.x, found.axes, found.centered, added)
    return None


def variance_of(tensor: Tensor, producers: Mapping[Tensor, ROperator]) -> Moments | None:
    """The moments whose variance (or mean of squares) a tensor is."""
    maker = made_by(tensor, producers)
    if isinstance(maker, Relu) or (isinstance(maker, Max) and len(maker.inputs) == 2):
        inner = [t for t in maker.inputs if t is not None and number_of(t) != 0]
        return variance_of(inner[0], producers) if len(inner) == 1 else None
    if isinstance(maker, Sub):
        squares, square = mean_of(maker.input(0), producers, True), squared(maker.input(1), producers)
        mean = None if square is None else mean_of(square, producers, False)
        if squares is not None and mean == squares:
            return Moments(*squares, True, 0.0)
        return None
    squares = mean_of(tensor, producers, True)
    if squares is None:
        return None
    x, axes = squares
    inner_maker = producers.get(x)
    if isinstance(inner_maker, Sub) and inner_maker.input(0).shape == x.shape:
        mean = mean_of(inner_maker.input(1), producers, False)
        if mean == (inner_maker.input(0), axes):
            return Moments(inner_maker.input(0), axes, True, 0.0)
    return Moments(x, axes, False, 0.0)


def mean_of(tensor: Tensor, producers: Mapping[Tensor, ROperator], of_squares: bool) -> tuple[Tensor, tuple[int, ...]] | None:
    """The tensor that one is the mean of (or the mean of the squares of), and the axes, which are kept or have come back."""
    maker = made_by(tensor, producers)
    count: float | None = None
    if isinstance(maker, (Div, Mul)):
        number = number_of(maker.input(1))
        if not number:
            return None
        count, maker = number if isinstance(maker, Div) else 1 / number, made_by(maker.input(0), producers)
    if count is None:
        if not isinstance(maker, ReduceMean):
            return None
    elif not isinstance(maker, (ReduceSum, ReduceSumSquare)):
        return None
    assert isinstance(maker, (ReduceMean, ReduceSum, ReduceSumSquare))
    if maker.open_axes:
        return None
    x: Tensor | None = maker.x
    assert x is not None
    axes = tuple(maker.reduced())
    terms = dims.product(x.shape[axis] for axis in axes)
    if not axes or (count is not None and (not isinstance(terms, int) or abs(count - terms) > 1e-6 * terms)):
        return None
    if tensor.shape != tuple(1 if axis in axes else size for axis, size in enumerate(x.shape)):
        return None
    if of_squares and not isinstance(maker, ReduceSumSquare):
        x = squared(x, producers)
    elif not of_squares and isinstance(maker, ReduceSumSquare):
        return None
    return None if x is None else (x, axes)


def squared(tensor: Tensor, producers: Mapping[Tensor, ROperator]) -> Tensor | None:
    """The tensor whose square one is."""
    maker = producers.get(tensor)
    if isinstance(maker, Mul) and maker.input(0) is maker.input(1):
        return maker.x
    return maker.x if isinstance(maker, Pow) and number_of(maker.input(1)) == 2 else None


def made_by(tensor: Tensor, producers: Mapping[Tensor, ROperator]) -> ROperator | None:
    """What makes a tensor's elements, in whatever shape."""
    maker = producers.get(tensor)
    while isinstance(maker, (Identity, Reshaping)) or (isinstance(maker, Expand) and maker.is_view):
        maker = producers.get(maker.x)
    return maker


def number_of(tensor: Tensor) -> float | None:
    """The number that a constant of one element is."""
    return float(tensor.constant().reshape(-1)[0]) if tensor.is_constant and tensor.constant().size == 1 else None


def expressions(root: ROperator, moments: Moments, links: Links, place: Mapping[ROperator, float]) -> list[tuple[ROperator, Expression]]:
    """The operators whose results are sums of products of x, its mean, the inverse root and constants, with those.

    Only what can be reached from x and the root is looked at, in the order of the model, which `place` tells.
    """
    one = np.ones(())
    inverse = isinstance(root, Pow) and number_of(root.input(1)) == -0.5
    known = {moments.x: Expression({X: one}), root.y: Expression({INVERSE if inverse else (0, 0, -1): one})}
    found: list[tuple[ROperator, Expression]] = []
    waiting: list[tuple[float, int, ROperator]] = []
    asked: set[ROperator] = set()

    def ask(tensor: Tensor) -> None:
        for reader in links.readers(tensor):
            if reader not in asked:
                asked.add(reader)
                heapq.heappush(waiting, (place[reader], len(asked), reader))

    for tensor in known:
        ask(tensor)
    while waiting:
        op = heapq.heappop(waiting)[2]
        if len(op.outputs) != 1 or op.outputs[0] is None or op.y in known:
            continue
        if op.y.dtype is float32 and op.y.shape == moments.kept and mean_of(op.y, links.producers, False) == (moments.x, moments.axes):
            known[op.y] = Expression({MEAN: one})
        elif op.y.dtype is float32 and isinstance(op, PointwiseOperator) and op.algebra is not None:
            parts = [known.get(t) or constant_expression(t, moments.x.rank) for t in op.inputs if t is not None]
            result = multiplied_out(op.algebra, parts)
            if result is not None:
                known[op.y] = result
                found.append((op, result))
        if op.y in known or isinstance(op, MEANS):
            ask(op.y)
    return found


def constant_expression(tensor: Tensor, rank: int) -> Expression | None:
    """A constant as an expression."""
    if not tensor.is_constant or tensor.rank > rank or tensor.constant().size > MOST * 16:
        return None
    return Expression({ONE: tensor.constant().astype(np.float64)})


def multiplied_out(algebra: Callable[..., Any], parts: Sequence[Expression | None]) -> Expression | None:
    """What an operator makes of expressions; None where it is none, or one of many terms."""
    if None in parts:
        return None
    try:
        made: Expression = algebra(*parts)
    except TypeError:
        return None
    return made


def normal_form(expression: Expression, moments: Moments) -> tuple[np.ndarray, np.ndarray] | None:
    """Scale and bias, if an expression is the normalization of x."""
    scale, shift = expression.terms.get((1, 0, 1)), expression.terms.get((0, 1, 1))
    if scale is None or set(expression.terms) - {(1, 0, 1), (0, 1, 1), ONE} or (shift is not None) != moments.centered:
        return None
    if shift is not None and (scale + shift).any():
        return None
    return scale, expression.terms.get(ONE, np.zeros(()))
