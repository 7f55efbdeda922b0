"""The functions of kernels/pointwise.hxx that expressions are made of: name, cost, meaning in numpy, derivatives.

Costs are estimates, a fused multiply-add for one instruction; they are for comparing, not for promising.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import DType, bool_
from onnx_bridge.library.expressions import ADD, DIV, NEG, PRODUCT, SUB, Constant, Expression, Function, flat

_ERF = np.vectorize(math.erf, otypes=[np.float64])


def _number(value: float, x: Expression) -> Expression:
    return Constant(value, x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _inverse(x: Expression) -> Expression:
    """1 / x."""
    return reciprocal(x)


def _steps(value: Expression, x: Expression) -> Sequence[Expression]:
    """`value` where x < 0, else 1: the derivative of what bends at 0."""
    return (where(less(x, _number(0.0, x)), value, _number(1.0, x)),)


less: Function
greater: Function
where: Function
clip: Function
sign: Function
sqrt: Function
exp: Function
cos: Function
tan: Function
cosh: Function
tanh: Function
sigmoid: Function
add, sub, product, div, neg = ADD, SUB, PRODUCT, DIV, NEG

# ---- of one element

abs = Function("abs", 1, 1, np.abs, lambda x: (sign(x),))
sign = Function("sign", 1, 5, np.sign, flat)
ceil = Function("ceil", 1, 9, np.ceil, flat)
floor = Function("floor", 1, 8, np.floor, flat)
round = Function("round", 1, 6, np.rint, flat)
reciprocal = Function("reciprocal", 1, 4, lambda x: 1 / x, lambda x: (-_inverse(x * x),))
sqrt = Function("sqrt", 1, 5, np.sqrt, lambda x: (_number(0.5, x) / sqrt(x),))
pow_half = Function("pow_half", 1, 9, np.sqrt, lambda x: (_number(0.5, x) / sqrt(x),))
exp = Function("exp", 1, 18, np.exp, lambda x: (exp(x),))
log = Function("log", 1, 20, np.log, lambda x: (_inverse(x),))
sin = Function("sin", 1, 40, np.sin, lambda x: (cos(x),))
cos = Function("cos", 1, 40, np.cos, lambda x: (-sin(x),))
tan = Function("tan", 1, 60, np.tan, lambda x: (_number(1.0, x) + tan(x) * tan(x),))
asin = Function("asin", 1, 60, np.arcsin, lambda x: (_inverse(sqrt(_number(1.0, x) - x * x)),))
acos = Function("acos", 1, 60, np.arccos, lambda x: (-_inverse(sqrt(_number(1.0, x) - x * x)),))
atan = Function("atan", 1, 50, np.arctan, lambda x: (_inverse(_number(1.0, x) + x * x),))
sinh = Function("sinh", 1, 60, np.sinh, lambda x: (cosh(x),))
cosh = Function("cosh", 1, 60, np.cosh, lambda x: (sinh(x),))
tanh = Function("tanh", 1, 20, np.tanh, lambda x: (_number(1.0, x) - tanh(x) * tanh(x),))
asinh = Function("asinh", 1, 70, np.arcsinh, lambda x: (_inverse(sqrt(x * x + _number(1.0, x))),))
acosh = Function("acosh", 1, 70, np.arccosh, lambda x: (_inverse(sqrt(x * x - _number(1.0, x))),))
atanh = Function("atanh", 1, 70, np.arctanh, lambda x: (_inverse(_number(1.0, x) - x * x),))
erf = Function("erf", 1, 35, _ERF, lambda x: (_number(2 / math.sqrt(math.pi), x) * exp(-(x * x)),))
sigmoid = Function("sigmoid", 1, 20, _sigmoid, lambda x: (sigmoid(x) * (_number(1.0, x) - sigmoid(x)),))
relu = Function("relu", 1, 1, lambda x: np.maximum(x, 0), lambda x: _steps(_number(0.0, x), x))
softplus = Function("softplus", 1, 40, lambda x: np.logaddexp(x, 0), lambda x: (sigmoid(x),))
softsign = Function(
    "softsign", 1, 6, lambda x: x / (1 + np.abs(x)), lambda x: (_inverse((_number(1.0, x) + abs(x)) * (_number(1.0, x) + abs(x))),)
)


def _of_mish(x: Expression) -> Sequence[Expression]:
    t = tanh(softplus(x))
    return (t + x * sigmoid(x) * (_number(1.0, x) - t * t),)


def _of_gelu(x: Expression) -> Sequence[Expression]:
    half = _number(0.5, x)
    density = _number(1 / math.sqrt(2 * math.pi), x) * exp(-(half * x * x))
    return (half + half * erf(_number(math.sqrt(0.5), x) * x) + x * density,)


def _of_gelu_tanh(x: Expression) -> Sequence[Expression]:
    one, scale, cubic = _number(1.0, x), _number(2 * math.sqrt(2 / math.pi), x), _number(0.044715, x)
    share = sigmoid(scale * (x + cubic * x * x * x))
    return (share + x * share * (one - share) * scale * (one + _number(3.0, x) * cubic * x * x),)


def _of_hard_swish(x: Expression) -> Sequence[Expression]:
    three, zero, one = _number(3.0, x), _number(0.0, x), _number(1.0, x)
    middle = x / three + _number(0.5, x)
    return (where(less(x, -three), zero, where(less(three, x), one, middle)),)


mish = Function("mish", 1, 30, lambda x: x * np.tanh(np.logaddexp(x, 0)), _of_mish)
gelu = Function("gelu", 1, 40, lambda x: x * (1 + _ERF(x / math.sqrt(2))) / 2, _of_gelu)
gelu_tanh = Function("gelu_tanh", 1, 27, lambda x: x * _sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)), _of_gelu_tanh)
hard_swish = Function("hard_swish", 1, 8, lambda x: x * np.clip(x / 6 + 0.5, 0, 1), _of_hard_swish)

# ---- of one element and of numbers

leaky_relu = Function(
    "leaky_relu", 1, 3, lambda x, alpha: np.where(x < 0, alpha * x, x), lambda x, alpha: _steps(_number(alpha, x), x), numbers=1
)
elu = Function(
    "elu",
    1,
    18,
    lambda x, alpha: np.where(x < 0, alpha * np.expm1(x), x),
    lambda x, alpha: _steps(_number(alpha, x) * exp(x), x),
    numbers=1,
)
selu = Function(
    "selu", 1, 19, lambda x, alpha, gamma: gamma * np.where(x < 0, alpha * np.expm1(x), x),
    lambda x, alpha, gamma: (_number(gamma, x) * _steps(_number(alpha, x) * exp(x), x)[0],), numbers=2,
)  # fmt: skip
celu = Function(
    "celu", 1, 22, lambda x, alpha: np.where(x < 0, alpha * np.expm1(x / alpha), x),
    lambda x, alpha: _steps(exp(x / _number(alpha, x)), x), numbers=1,
)  # fmt: skip
thresholded_relu = Function(
    "thresholded_relu", 1, 2, lambda x, alpha: np.where(x > alpha, x, 0),
    lambda x, alpha: (where(less(_number(alpha, x), x), _number(1.0, x), _number(0.0, x)),), numbers=1,
)  # fmt: skip
hard_sigmoid = Function(
    "hard_sigmoid", 1, 7, lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    lambda x, alpha, beta: (
        clip.partials(_number(alpha, x) * x + _number(beta, x), _number(0.0, x), _number(1.0, x))[0] * _number(alpha, x),  # type: ignore
    ), numbers=2,
)  # fmt: skip
swish = Function(
    "swish", 1, 22, lambda x, alpha: x * _sigmoid(alpha * x),
    lambda x, alpha: (
        sigmoid(_number(alpha, x) * x) * (_number(1.0, x) + _number(alpha, x) * x * (_number(1.0, x) - sigmoid(_number(alpha, x) * x))),
    ), numbers=1,
)  # fmt: skip
shrink = Function(
    "shrink", 1, 5, lambda x, bias, lambd: np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0)),
    lambda x, bias, lambd: (where(less(_number(lambd, x), abs(x)), _number(1.0, x), _number(0.0, x)),), numbers=2,
)  # fmt: skip
is_nan = Function("is_nan", 1, 2, np.isnan, flat, result=bool_)
is_inf = Function(
    "is_inf", 1, 5, lambda x, positive, negative: (positive & np.isposinf(x)) | (negative & np.isneginf(x)), flat, numbers=2, result=bool_
)

# ---- of several elements


def _of_clip(x: Expression, low: Expression, high: Expression) -> Sequence[Expression]:
    one, zero = _number(1.0, x), _number(0.0, x)
    below, above = less(x, low), less(high, max_of(x, low))
    return where(above, zero, where(below, zero, one)), where(above, zero, where(below, one, zero)), where(above, one, zero)


def _of_pow(a: Expression, b: Expression) -> Sequence[Expression]:
    return b * pow(a, b - _number(1.0, b)), pow(a, b) * log(a)


def _chosen(a: Expression, b: Expression, first: Expression) -> Sequence[Expression]:
    one, zero = _number(1.0, a), _number(0.0, a)
    return where(first, one, zero), where(first, zero, one)


fma = Function("fma", 3, 1, lambda a, b, c: a * b + c, lambda a, b, c: (b, a, _number(1.0, c)))
prelu = Function(
    "prelu", 2, 3, lambda x, slope: np.where(x < 0, x * slope, x),
    lambda x, slope: (_steps(slope, x)[0], where(less(x, _number(0.0, x)), x, _number(0.0, x))),
)  # fmt: skip
max_of = Function("max_of", 2, 3, np.maximum, lambda a, b: _chosen(a, b, greater(a, b)))
min_of = Function("min_of", 2, 3, np.minimum, lambda a, b: _chosen(a, b, less(a, b)))
clip = Function("clip", 3, 6, lambda x, low, high: np.minimum(np.maximum(x, low), high), _of_clip)
pow = Function("pow", 2, 90, np.power, _of_pow)
fmod = Function("fmod", 2, 60, np.fmod, lambda a, b: (_number(1.0, a), -(sign(a / b) * floor(abs(a / b)))))
mod = Function("mod", 2, 20, np.mod)
float_mod = Function("float_mod", 2, 64, np.mod, lambda a, b: (_number(1.0, a), -floor(a / b)))
less = Function("less", 2, 1, np.less, flat, result=bool_)
less_or_equal = Function("less_or_equal", 2, 1, np.less_equal, flat, result=bool_)
greater = Function("greater", 2, 1, np.greater, flat, result=bool_)
greater_or_equal = Function("greater_or_equal", 2, 1, np.greater_equal, flat, result=bool_)
equal = Function("equal", 2, 1, np.equal, flat, result=bool_)
where = Function(
    "where", 3, 1, np.where, lambda c, a, b: (None, where(c, _number(1.0, a), _number(0.0, a)), where(c, _number(0.0, b), _number(1.0, b))),
    typed_by=1,
)  # fmt: skip

# ---- of bools, and of integers' bits

and_ = Function("and_", 2, 1, np.logical_and)
or_ = Function("or_", 2, 1, np.logical_or)
xor_ = Function("xor_", 2, 1, np.logical_xor)
not_ = Function("not_", 1, 1, np.logical_not)
bitwise_and = Function("bitwise_and", 2, 1, np.bitwise_and)
bitwise_or = Function("bitwise_or", 2, 1, np.bitwise_or)
bitwise_xor = Function("bitwise_xor", 2, 1, np.bitwise_xor)
bitwise_not = Function("bitwise_not", 1, 1, np.bitwise_not)
bit_shift_left = Function("bit_shift_left", 2, 2, np.left_shift)
bit_shift_right = Function("bit_shift_right", 2, 2, np.right_shift)


def conversion(name: str, result: DType) -> Function:
    """A function that gives the same number under another type: the derivative of one between floats is 1."""
    to = result.numpy

    def partials(x: Expression) -> Sequence[Expression | None]:
        return (Constant(1.0, x) if result.is_float else None,)

    return Function(name, 1, 2, lambda x: np.asarray(x).astype(to), partials, result=result)


#: All of them by their C++ name.
FUNCTIONS = {function.name: function for function in list(globals().values()) if isinstance(function, Function)}
