"""Expressions: what they print, their types, values, costs, and derivatives beside differences of their values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onnx_bridge.ir.dtypes import bool_, float16, float32, float64, int64
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Constant, Expression, ExpressionError, Parameter, Variable
from onnx_bridge.operators.pointwise import TABLE

x, y, z = Variable("x"), Variable("y"), Variable("z")

#: Numbers for the parameters of the table's rows.
NUMBERS = {"alpha": 0.3, "beta": 0.4, "gamma": 1.3, "bias": 0.2, "lambd": 0.6, "detect_positive": 1, "detect_negative": 1}

#: Where a function is looked at, where not between -1.7 and 1.7.
RANGES = {"sqrt": (0.1, 3), "pow_half": (0.1, 3), "log": (0.1, 3), "acosh": (1.1, 3), "pow": (0.1, 3), "asin": (-0.9, 0.9),
          "acos": (-0.9, 0.9),
          "atanh": (-0.9, 0.9), "tan": (-1.2, 1.2), "reciprocal": (0.2, 3), "div": (0.2, 3), "fmod": (0.2, 3)}  # fmt: skip

DIFFERENTIABLE = sorted(name for name, function in f.FUNCTIONS.items() if function.partials is not None and function.result is None)


def test_what_is_printed_is_calls_of_the_kernels() -> None:
    assert (x + y * z).cpp() == "add(x, product(y, z))"
    assert (-x / y - z).cpp() == "sub(div(neg(x), y), z)"
    assert f.leaky_relu(x, Parameter("alpha")).cpp() == "leaky_relu(x, alpha)"
    assert f.selu(x, 1.5, 0.1).cpp() == "selu(x, 1.5f, 0.1f)"
    assert f.is_inf(x, 1, 0).cpp() == "is_inf(x, 1, 0)"
    assert f.clip(x, Constant(0.5, x), Constant(6, y)).cpp() == "clip(x, like(x, 0.5), like(y, 6))"


def test_a_tree_is_replaced_as_a_whole() -> None:
    row = f.leaky_relu(x * y, Parameter("alpha")) + Constant(1.0, x)

    assert (
        row.replaced({"x": z + z, "y": Variable("t0")}, {"alpha": 0.25}).cpp()
        == "add(leaky_relu(product(add(z, z), t0), 0.25f), like(add(z, z), 1.0))"
    )
    assert row.variables() == {x, y}
    assert x * y == x * y and hash(x * y) == hash(x * y) and x * y != y * x


def test_types() -> None:
    types = {"x": float16, "y": float16, "z": bool_}

    assert (x + y).dtype(types) is float16
    assert f.less(x, y).dtype(types) is bool_
    assert f.where(z, x, y).dtype(types) is float16
    assert f.clip(x, Constant(0.0, x), y).dtype(types) is float16
    assert f.conversion("cast<double>", float64)(x).dtype(types) is float64
    with pytest.raises(ExpressionError, match="operands must have one type, got float32 and int64"):
        (x + y).dtype({"x": float32, "y": int64})


def test_a_function_is_told_how_many_arguments_it_has() -> None:
    with pytest.raises(TypeError, match="selu takes 3 arguments, got 2"):
        f.selu(x, 1.0)


def test_costs_are_those_of_all_calls() -> None:
    assert (x + y * z).cost == 2
    assert x.cost == Constant(1.0, x).cost == 0
    assert f.gelu(x).cost > f.gelu_tanh(x).cost > f.tanh(x).cost > f.relu(x).cost
    assert (f.exp(x) * f.exp(x)).cost == 2 * f.exp(x).cost + 1


def numbers_of(name: str) -> tuple[float, ...]:
    return (0.3, 0.4)[: f.FUNCTIONS[name].numbers]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_derivatives(name: str, dtype: type) -> None:
    """By each operand, beside central differences in float64; float32 stays float32."""
    function = f.FUNCTIONS[name]
    operands = (x, y, z)[: function.takes]
    expression = function(*operands, *numbers_of(name))
    low, high = RANGES.get(name, (-1.7, 1.7))
    random = np.random.default_rng(3)
    values = {v.name: random.uniform(low, high, 400).astype(dtype) for v in operands}
    if name == "where":
        values["x"] = values["x"] > 0
    step = 1e-6
    for by in operands[function.typed_by :]:
        wide = {n: v.astype(np.float64) if v.dtype != np.bool_ else v for n, v in values.items()}
        up, down = ({**wide, by.name: wide[by.name] + sign * step} for sign in (1, -1))
        expected = (expression.compute(up) - expression.compute(down)) / (2 * step)

        found = expression.derivative(by).compute(values)

        change = expression.derivative(by).compute(up) - expression.derivative(by).compute(down)
        smooth = np.broadcast_to(np.abs(change) < 1e-3, 400) & (np.abs(expected) < 1e3)  # no step lies between the two
        np.testing.assert_allclose(
            np.broadcast_to(found, 400)[smooth], expected[smooth], rtol=2e-4, atol=2e-5, err_msg=f"{name}, {by.name}"
        )
        assert np.count_nonzero(smooth) > 380
        assert np.asarray(found).dtype == dtype or name in ("erf", "gelu")


def test_derivatives_go_through_trees_by_the_chain_rule() -> None:
    expression = f.tanh(x * x + y) * f.sigmoid(x)
    at = {"x": np.float64(0.4), "y": np.float64(-0.2)}
    inside = math.tanh(0.16 - 0.2)
    share = 1 / (1 + math.exp(-0.4))

    assert expression.derivative(x).compute(at) == pytest.approx((1 - inside**2) * 0.8 * share + inside * share * (1 - share), rel=1e-12)
    assert expression.derivative(y).compute(at) == pytest.approx((1 - inside**2) * share, rel=1e-12)
    assert expression.derivative(z) == Constant(0.0, z)


def test_what_has_no_derivative_says_so() -> None:
    with pytest.raises(ExpressionError, match="bitwise_and has no derivative"):
        f.bitwise_and(x, y).derivative(x)
    assert f.bitwise_and(x, y).derivative(z) == Constant(0.0, z)


def test_second_derivatives_print_and_compute() -> None:
    second = f.sigmoid(x).derivative(x).derivative(x)
    share = 1 / (1 + math.exp(-0.7))

    assert second.compute({"x": np.float64(0.7)}) == pytest.approx(share * (1 - share) * (1 - 2 * share), rel=1e-12)
    assert set(second.cpp()) <= set("abcdefghijklmnopqrstuvwxyz_0123456789.,() -")


@pytest.mark.parametrize("name", sorted(name for name, row in TABLE.items() if row.evaluate is not None))
def test_a_row_computes_what_its_class_folds(name: str) -> None:
    """Where the class has a rule of its own for known values: the same of numbers."""
    row = TABLE[name]
    assert row.evaluate is not None
    kind = {"And": bool, "Or": bool, "Xor": bool, "Not": bool, "BitwiseAnd": np.int32, "BitwiseOr": np.int32, "BitwiseXor": np.int32,
            "BitwiseNot": np.int32}.get(name, np.float64)  # fmt: skip
    random = np.random.default_rng(5)
    operands = [random.uniform(0.1, 0.9, 64).astype(kind) for _ in range(row.operand_count)]
    if name == "Acosh":
        operands[0] += 1
    if name == "Where":
        operands[0] = operands[0] > 0.5
    expression: Expression = row.row.replaced({}, NUMBERS)

    found = expression.compute(dict(zip("abc", operands, strict=False)))

    np.testing.assert_allclose(found, row.evaluate(*operands), rtol=1e-12)
