"""What a booster of LightGBM saves, and what it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError, InvalidModel
from onnx_bridge.frontends.forest import Tree, constant, ensemble
from onnx_bridge.frontends.graph import Graph

#: What LightGBM takes for zero, where zeros are missing values; a float there, a double here.
_ZERO = float(np.float32(1e-35))

#: Bits of decision_type: a set of categories; missing values go left; from the third on, which values are missing.
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NONE, _OF_ZERO, _OF_NAN = range(3)

_PLAIN = (
    "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom",
)  # fmt: skip
_EXP = ("poisson", "gamma", "tweedie")


@dataclass
class _Linear:
    """What leaves say, in the order of the trees: a constant and factors; where one of their x is NaN, another number."""

    first: list[float]
    factors: list[np.ndarray]
    otherwise: list[float]


@dataclass
class Booster:
    """A booster, read.

    Attributes:
        objective: its first word.
        features: how many columns it takes.
        groups: how many margins a row has.
        trees: in their order.
        average: whether the sum is divided by the number of rounds.
        sigmoid: the factor in front of a margin.
        root: whether predictions are squared, for their roots were learnt.
        columns: what is made of all columns and stands behind them: "whole" without fractions, "zero" with NaN for what is nearly zero.
        linear: what leaves say if some trees are linear ones; each tree then says which of its leaves is reached.
    """

    objective: str
    features: int
    groups: int
    trees: list[Tree]
    average: bool
    sigmoid: float
    root: bool
    linear: _Linear | None
    columns: list[str]

    def margins(self, g: Graph, x: str) -> str:
        """[rows][groups], summed as the library does, in double."""
        if not self.trees:
            return ensemble(g, x, [constant(0.0)] * self.groups, [*range(self.groups)], self.groups, np.float64)
        plain = x
        for name in self.columns:
            x = g.concat(
                [x, g.add("Mul", g.add("Sign", plain), g.add("Floor", g.add("Abs", plain))) if name == "whole" else _gone(g, plain)]
            )
        if self.linear is not None:
            summed = self._of_linear(g, x, plain, self.linear)
        else:
            summed = ensemble(g, x, self.trees, [i % self.groups for i in range(len(self.trees))], self.groups, np.float64)
        rounds = len(self.trees) // self.groups
        return str(g.add("Div", summed, np.float64(rounds))) if self.average and rounds > 1 else summed

    def _of_linear(self, g: Graph, x: str, plain: str, linear: _Linear) -> str:
        count = len(self.trees)
        leaf = g.cast(ensemble(g, x, self.trees, [*range(count)], count, np.float64), np.int64)  # [rows][trees]
        factors = np.array(linear.factors, np.float64).reshape(-1, self.features)
        missing = g.add("IsNaN", plain)
        known = g.add("Where", missing, np.float64(0), plain)
        rows = g.add("Unsqueeze", known, np.array([1], np.int64))
        products = g.add("Mul", g.add("Gather", g.constant(factors), leaf, axis=0), rows)  # [rows][trees][features]
        value = g.add(
            "Add", g.add("Gather", g.constant(np.array(linear.first)), leaf, axis=0), g.reduce("ReduceSum", products, 2, keep=False)
        )
        used = g.add("Gather", g.constant((factors != 0).astype(np.float64)), leaf, axis=0)
        gone = g.add("Mul", used, g.add("Unsqueeze", g.cast(missing, np.float64), np.array([1], np.int64)))
        lost = g.add("Greater", g.reduce("ReduceSum", gone, 2, keep=False), np.float64(0))
        value = g.add("Where", lost, g.add("Gather", g.constant(np.array(linear.otherwise)), leaf, axis=0), value)
        return g.reduce("ReduceSum", g.reshape(value, -1, count // self.groups, self.groups), 1, keep=False)

    def transformed(self, g: Graph, margins: str) -> str:
        """What predict() gives."""
        kind = self.objective
        if kind in ("binary", "multiclassova", "cross_entropy"):
            power = g.add("Exp", g.add("Mul", margins, np.float64(-self.sigmoid)))
            return str(g.add("Div", np.float64(1), g.add("Add", np.float64(1), power)))
        if kind == "multiclass":
            return str(g.add("Softmax", margins, axis=1))
        if kind in _EXP:
            return str(g.add("Exp", margins))
        if kind == "cross_entropy_lambda":
            return str(g.add("Log", g.add("Add", g.add("Exp", margins), np.float64(1))))
        return str(g.add("Mul", margins, g.add("Abs", margins))) if self.root else margins


def _gone(g: Graph, x: str) -> str:
    """NaN in place of what LightGBM takes for zero."""
    return str(g.add("Where", g.add("LessOrEqual", g.add("Abs", x), np.float64(_ZERO)), np.float64(np.nan), x))


def booster_of(text: str) -> Booster:
    """Reads what a booster saves as text.

    Raises:
        InvalidModel: it is none.
        ExportError: its objective is not known.
    """
    head, *blocks = text.split("\nTree=")
    said = dict(line.partition("=")[::2] for line in head.splitlines())
    try:
        objective, *words = (said.get("objective") or "custom").split()
        features, groups = int(said["max_feature_idx"]) + 1, int(said["num_tree_per_iteration"])
        trees = [dict(line.partition("=")[::2] for line in block.partition("\n\n")[0].splitlines()[1:]) for block in blocks]
    except (KeyError, ValueError) as error:
        raise InvalidModel(f"this is no model of LightGBM: {error}") from None
    if objective not in (*_PLAIN, *_EXP, "binary", "multiclass", "multiclassova", "cross_entropy", "cross_entropy_lambda"):
        raise ExportError(f"the objective {objective!r} of LightGBM is not known here")
    linear = _Linear([], [], []) if any(tree.get("is_linear", "0").strip() == "1" for tree in trees) else None
    sigmoid = next((float(word.partition(":")[2]) for word in words if word.startswith("sigmoid:")), 1.0)
    kinds = {number for tree in trees for number in _numbers(tree, "decision_type", int)}
    asked = {
        "whole": any(kind & _CATEGORICAL for kind in kinds),
        "zero": any(kind >> 2 & 3 == _OF_ZERO and not kind & _CATEGORICAL for kind in kinds),
    }
    used = [name for name, is_used in asked.items() if is_used]
    columns = {name: features * (place + 1) for place, name in enumerate(used)}
    made = [_tree(tree, features, linear, columns) for tree in trees]
    average = any(line.strip() == "average_output" for line in head.splitlines())
    return Booster(objective, features, groups, made, average, sigmoid, "sqrt" in words, linear, used)


def _numbers(tree: dict[str, str], name: str, kind: Any = float) -> list[Any]:
    return [kind(word) for word in tree.get(name, "").split()]


def _tree(tree: dict[str, str], features: int, linear: _Linear | None, columns: dict[str, int]) -> Tree:
    leaves, inner = int(tree["num_leaves"]), int(tree["num_leaves"]) - 1
    values = np.zeros(inner + leaves)
    values[inner:] = _numbers(tree, "leaf_value")
    if linear is not None:
        first = len(linear.first)
        _of_leaves(tree, leaves, features, values[inner:].tolist(), linear)
        values[inner:] = first + np.arange(leaves)
    none = np.zeros(leaves, np.int64)
    left, right = (np.concatenate([np.array(_numbers(tree, name, int), np.int64)[:inner], none]) for name in ("left_child", "right_child"))
    left, right = (np.where(child < 0, inner - child - 1, child) for child in (left, right))  # leaf n is written as -n - 1
    feature = np.concatenate([np.array(_numbers(tree, "split_feature", int), np.int64)[:inner], none - 1])
    threshold = np.concatenate([np.array(_numbers(tree, "threshold"), np.float64)[:inner], none.astype(np.float64)])
    decision = np.concatenate([np.array(_numbers(tree, "decision_type", int), np.int64)[:inner], none])
    kind, sets = decision >> 2 & 3, decision & _CATEGORICAL != 0
    missing = np.where(kind == _NONE, threshold >= 0, decision & _DEFAULT_LEFT != 0) & ~sets  # NaN is 0 where nothing is missing
    made = Tree(feature, _as_zeros(threshold), left, right, missing, values)
    begins, bits = _numbers(tree, "cat_boundaries", int), _numbers(tree, "cat_threshold", int)
    for node in np.flatnonzero(sets):
        words = bits[begins[int(threshold[node])] : begins[int(threshold[node]) + 1]]
        made.sets = {**made.sets, int(node): [32 * at + bit for at, word in enumerate(words) for bit in range(32) if word >> bit & 1]}
    made.feature[sets] += columns.get("whole", 0)
    made.feature[(kind == _OF_ZERO) & ~sets & (feature >= 0)] += columns.get("zero", 0)
    return made


def _as_zeros(threshold: np.ndarray) -> np.ndarray:
    """Thresholds that put all that LightGBM takes for zero to the side of 0, whether zeros are missing values or not."""
    below = np.nextafter(-_ZERO, -np.inf)
    return np.where((threshold >= -_ZERO) & (threshold < 0), below, np.where((threshold >= 0) & (threshold < _ZERO), _ZERO, threshold))


def _of_leaves(tree: dict[str, str], leaves: int, features: int, values: list[float], linear: _Linear) -> None:
    linear.otherwise += values
    if tree.get("is_linear", "0").strip() != "1":
        linear.first += values
        linear.factors += [np.zeros(features)] * leaves
        return
    linear.first += _numbers(tree, "leaf_const")
    counts, which, factors = _numbers(tree, "num_features", int), _numbers(tree, "leaf_features", int), _numbers(tree, "leaf_coeff")
    at = 0
    for count in counts:
        row = np.zeros(features)
        row[which[at : at + count]] = factors[at : at + count]
        linear.factors.append(row)
        at += count
