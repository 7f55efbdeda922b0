"""Functions of keras.ops, which Keras 3 has; each stands alone in a model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras_cases import Drawn, Given, Ids, Zoo

zoo = Zoo()
ops: Any = getattr(keras, "ops", None)
POSITIVE = Drawn((4, 6), lambda rng, shape: rng.uniform(0.1, 3, shape))
UNIT = Drawn((4, 6), lambda rng, shape: rng.uniform(-0.9, 0.9, shape))
BOOLS = Drawn((4, 6), lambda rng, shape: rng.random(shape) < 0.5, "bool")


def one(name: str, function: Any, given: Given = (4, 6), **rest: Any) -> None:
    zoo.graph(f"ops_{name}", {"x": given}, lambda L, x: function(x), since=rest.pop("since", (3,)), **rest)


def two(name: str, function: Any, a: Given = (4, 6), b: Given = (4, 6), **rest: Any) -> None:
    zoo.graph(f"ops_{name}", {"a": a, "b": b}, lambda L, a, b: function(a, b), since=(3,), **rest)


for name in (
    "abs ceil cos cosh erf exp expm1 floor negative reciprocal round sign sin sinh square tan tanh sigmoid relu softplus isnan isfinite"
).split():
    one(name, lambda x, name=name: getattr(ops, name)(x))
for name in "log log1p log10 log2 sqrt rsqrt arccosh".split():
    one(name, lambda x, name=name: getattr(ops, name)(x + (1.1 if name == "arccosh" else 0)), POSITIVE)
for name in "arcsin arccos arctan arcsinh arctanh".split():
    one(name, lambda x, name=name: getattr(ops, name)(x), UNIT)
for name in "sum mean max min prod var std logsumexp".split():
    one(name, lambda x, name=name: getattr(ops, name)(x, axis=1))
    one(f"{name}_keepdims", lambda x, name=name: getattr(ops, name)(x, axis=-1, keepdims=True))
for name in "any all".split():
    one(name, lambda x, name=name: getattr(ops, name)(x, axis=1), BOOLS)
one("argmax", lambda x: ops.argmax(x, axis=-1))
one("argmin", lambda x: ops.argmin(x, axis=1))
one("argsort", lambda x: ops.argsort(x, axis=-1))
one("sort", lambda x: ops.sort(x, axis=-1))
one("top_k", lambda x: ops.top_k(x, 3))
one("cumsum", lambda x: ops.cumsum(x, axis=1))
one("clip", lambda x: ops.clip(x, -0.5, 0.7))
one("flip", lambda x: ops.flip(x, axis=1))
one("roll", lambda x: ops.roll(x, 2, axis=1))
one("tile", lambda x: ops.tile(x, (1, 2, 3)))
one("repeat", lambda x: ops.repeat(x, 2, axis=1))
one("pad", lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1))))
one("pad_reflect", lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), mode="reflect"))
one("slices", lambda x: x[:, 1:, ::2])
one("index", lambda x: x[:, -1])
one("split", lambda x: ops.split(x, 3, axis=-1))
one("stack", lambda x: ops.stack([x, 2 * x], axis=1))
one("moveaxis", lambda x: ops.moveaxis(x, 1, 2))
one("swapaxes", lambda x: ops.swapaxes(x, 1, 2))
one("expand_squeeze", lambda x: ops.squeeze(ops.expand_dims(x, 1), 1))
one("reshape", lambda x: ops.reshape(x, (-1, 24)))
one("mod_ints", lambda x: ops.cast(3 * x, "int32") % 3)
one("one_hot", lambda x: ops.one_hot(x, 5), Ids((4,), 5))
one("take", lambda x: ops.take(x, [2, 0], axis=1))
one("where", lambda x: ops.where(x > 0, ops.log(x), 0.0))
one("where_bools", lambda x: ops.where(x, ops.logical_not(x), x), BOOLS)
one("where_ints", lambda x: ops.where(x > 2, x, -x), Ids((4, 6), 5))
one("arange", lambda x: x + ops.arange(6, dtype="float32"))
one("tril", lambda x: ops.tril(x))
one("triu", lambda x: ops.triu(x, 1))
one("norm", lambda x: ops.norm(x, axis=-1))
one("normalize", lambda x: ops.normalize(x, axis=-1))
one("softmax", lambda x: ops.softmax(x, axis=1))
one("glu", lambda x: ops.glu(x, axis=-1), since=(3, 8))
one("celu", lambda x: ops.celu(x, 0.7), since=(3, 8))
one("hard_sigmoid", lambda x: ops.hard_sigmoid(3 * x))
one("nan_to_num", lambda x: ops.nan_to_num(ops.log(x), nan=7.0, neginf=-3.0))
one("max_pool", lambda x: ops.max_pool(x, 2), (6, 8, 3))
one("average_pool", lambda x: ops.average_pool(x, 2, padding="same"), (6, 7, 3))
one("cast_ints", lambda x: ops.cast(3 * x, "int32") // 2)
one("digitize", lambda x: ops.digitize(x, np.array([-1.0, 0.0, 1.0])), since=(3,))
one("segments_of_time", lambda x: ops.stack([x[:, i : i + 2] for i in range(3)], axis=1))
for name in "add subtract multiply maximum minimum arctan2 logaddexp".split():
    two(name, lambda a, b, name=name: getattr(ops, name)(a, b))
for name in "greater less equal greater_equal less_equal not_equal".split():
    two(name, lambda a, b, name=name: getattr(ops, name)(a, b))
for name in "logical_and logical_or logical_xor".split():
    two(name, lambda a, b, name=name: getattr(ops, name)(a, b), BOOLS, BOOLS)
two("divide", lambda a, b: ops.divide(a, b), b=POSITIVE)
two("floor_divide", lambda a, b: ops.floor_divide(a, b), b=POSITIVE)
two("mod", lambda a, b: ops.mod(a, b), b=POSITIVE)
two("power", lambda a, b: ops.power(a, b), a=POSITIVE)
two("matmul", lambda a, b: ops.matmul(a, b), b=(6, 3))
two("einsum", lambda a, b: ops.einsum("bij,bkj->bik", a, b))
two("dot", lambda a, b: ops.matmul(a, ops.transpose(b, (0, 2, 1))))
two("outer", lambda a, b: ops.expand_dims(a, 2) * ops.expand_dims(b, 1), (3,), (4,))
two("concatenate", lambda a, b: ops.concatenate([a, b], axis=1))
two("cross", lambda a, b: ops.cross(a, b), (4, 3), (4, 3))
two("take_along_axis", lambda a, b: ops.take_along_axis(a, b, axis=1), b=Ids((2, 6), 4))
two("gather", lambda a, b: ops.take(a, b[0], axis=1), b=Ids((2,), 4))
two("squared_distance", lambda a, b: ops.sum(ops.square(ops.expand_dims(a, 2) - ops.expand_dims(b, 1)), axis=-1))

FOREIGN = {"refused": "no ONNX operators for these operators of TensorFlow"}
one("inv", lambda x: ops.inv(x), (3, 3), reason="MatrixInverse has no counterpart in ONNX", **FOREIGN)
one("cholesky", lambda x: ops.cholesky(ops.matmul(x, ops.swapaxes(x, 1, 2)) + ops.eye(3)), (3, 3), reason="nor has Cholesky", **FOREIGN)
one("erfinv", lambda x: ops.erfinv(x), UNIT, reason="nor has Erfinv", **FOREIGN)
one("searchsorted", lambda x: ops.searchsorted(np.array([-1.0, 0.0, 1.0], np.float32), x), (6,), reason="nor has LowerBound", **FOREIGN)
