"""What a booster of XGBoost saves, and what it computes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.forest import Tree, constant, ensemble
from onnx_bridge.frontends.graph import Graph

#: Objectives by what makes a prediction of a margin, and a margin of the base score.
_SIGMOID = ("binary:logistic", "reg:logistic")
_EXP = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")
_PLAIN = (
    "binary:logitraw", "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror",
    "reg:quantileerror", "rank:pairwise", "rank:ndcg", "rank:map", "reg:expectileerror",
)  # fmt: skip
_CLASSES = ("multi:softprob", "multi:softmax")

#: XGBoost takes no margin of a sigmoid beyond this, and adds a little below the fraction line.
_FAR, _LITTLE = np.float32(88.7), np.float32(1e-16)

#: A base score is no nearer to 0 and 1 than this before its logarithm is taken.
_LEAST = np.float32(1e-6)


@dataclass
class Booster:
    """A booster, read.

    Attributes:
        objective: its name.
        features: how many columns it takes.
        groups: how many margins a row has.
        targets: how many targets, each of a margin; 1 where margins are of classes.
        base: the margins that are there before the first tree.
        trees: in their order; empty for a linear booster.
        of_group: which margin a tree adds to.
        weights: of a linear booster, [features + 1][groups].
        dropped: what was left out, for the report.
    """

    objective: str
    features: int
    groups: int
    targets: int
    base: np.ndarray
    trees: list[Tree]
    of_group: list[int]
    weights: np.ndarray | None
    dropped: str = ""

    def margins(self, g: Graph, x: str) -> str:
        """[rows][groups], summed as the library does, in float32: the base first."""
        if self.weights is not None:
            plain = g.add("Where", g.add("IsNaN", x), np.float32(0), x)
            bias = self.weights[-1] + self.base
            return str(g.add("Add", g.add("MatMul", plain, self.weights[:-1]), bias.astype(np.float32)))
        if any(tree.sets for tree in self.trees):
            x = g.concat([x, g.add("Floor", x)])
        first = [constant(value) for value in self.base]
        of = [*range(self.groups), *self.of_group]
        return ensemble(g, x, [*first, *self.trees], of, self.groups, np.float32)

    def transformed(self, g: Graph, margins: str) -> str:
        """What predict() gives."""
        if self.objective in _SIGMOID:
            power = g.add("Exp", g.add("Min", g.add("Neg", margins), _FAR))
            return str(g.add("Div", np.float32(1), g.add("Add", g.add("Add", power, np.float32(1)), _LITTLE)))
        if self.objective in _EXP:
            return str(g.add("Exp", margins))
        if self.objective == "binary:hinge":
            return g.cast(g.add("Greater", margins, np.float32(0)), np.float32)
        return str(g.add("Softmax", margins, axis=1)) if self.objective in _CLASSES else margins


def booster_of(core: Any, rounds: int) -> Booster:
    """Reads a live booster.

    Args:
        core: the xgboost.Booster.
        rounds: how many rounds an answer takes; 0 for all.

    Raises:
        ExportError: it has a form that cannot be written as ONNX.
    """
    learner = json.loads(bytes(core.save_raw("json")))["learner"]
    said, objective = learner["learner_model_param"], learner["objective"]["name"]
    if objective not in (*_SIGMOID, *_EXP, *_PLAIN, *_CLASSES, "binary:hinge"):
        raise ExportError(f"the objective {objective!r} of XGBoost is not known here; known are {', '.join((*_SIGMOID, *_EXP, *_PLAIN))}")
    classes, targets = int(said["num_class"]), int(said.get("num_target", "1"))
    groups = max(classes, targets, 1)
    features, kind = int(said["num_feature"]), learner["gradient_booster"]
    base = _base(said["base_score"], objective, groups)
    if kind["name"] == "gblinear":
        numbers = np.array(kind["model"]["weights"], np.float32)
        base = np.full(groups, base[0])  # a linear booster adds the first of them to every margin
        return Booster(objective, features, groups, targets, base, [], [], numbers.reshape(-1, groups))
    drop = np.array(kind["weight_drop"], np.float32) if kind["name"] == "dart" else None
    model = (kind["gbtree"] if kind["name"] == "dart" else kind)["model"]
    info, ends = model["tree_info"], model["iteration_indptr"]
    count = ends[min(rounds, len(ends) - 1)] if rounds else len(model["trees"])
    written = list(model["trees"][:count])
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in written):
        trees, of_group = [], list[int]()
        for tree in written:
            for group in range(groups):
                trees.append(_tree(tree, group, groups, features))
                of_group.append(group)
    else:
        trees, of_group = [_tree(tree, 0, 1, features) for tree in written], info[:count]
    if drop is not None:
        for tree, factor in zip(trees, drop[:count], strict=True):
            tree.values = np.asarray(tree.values.astype(np.float32) * factor, np.float64)
    dropped = f"{len(ends) - 1 - rounds} rounds after the best one are left out, as predict() leaves them out" if count < len(info) else ""
    return Booster(objective, features, groups, targets, base, trees, of_group, None, dropped)


def _base(text: str, objective: str, groups: int) -> np.ndarray:
    """The margins of the base score, which is saved as a prediction."""
    scores = np.array(json.loads(text if text.startswith("[") else f"[{text}]"), np.float32)
    scores = np.broadcast_to(scores, groups) if len(scores) == 1 else scores
    if objective in _SIGMOID:
        scores = np.clip(scores, _LEAST, np.float32(1) - _LEAST)
        return np.asarray(-np.log(np.float32(1) / scores - np.float32(1)), np.float32)
    return np.log(np.maximum(scores, _LEAST)) if objective in _EXP else scores


def _tree(tree: Mapping[str, Any], target: int, targets: int, features: int) -> Tree:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    leaf = left == -1
    feature, condition = np.array(tree["split_indices"]), np.array(tree["split_conditions"], np.float32)
    values = condition if targets == 1 else np.array(tree["base_weights"], np.float32).reshape(len(left), targets)[:, target]
    missing = np.array(tree["default_left"]).astype(bool)
    made = Tree(
        np.where(leaf, -1, feature), condition.astype(np.float64), np.where(leaf, 0, left), np.where(leaf, 0, right), missing,
        np.where(leaf, values, 0).astype(np.float64), less=True,
    )  # fmt: skip
    return _with_sets(made, tree, features) if tree["categories_nodes"] else made


def _with_sets(tree: Tree, said: Mapping[str, Any], features: int) -> Tree:
    """A tree with sets of categories: what is one of a set goes right, of the columns that are made whole."""
    begins = zip(said["categories_nodes"], said["categories_segments"], said["categories_sizes"], strict=True)
    sets = {node: said["categories"][begin : begin + size] for node, begin, size in begins}
    nodes = list(sets)
    tree.left[nodes], tree.right[nodes] = tree.right[nodes], tree.left[nodes]
    tree.missing_left[nodes] = ~tree.missing_left[nodes]
    tree.feature[nodes] += features
    tree.sets = sets
    return tree
