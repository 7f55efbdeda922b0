"""Ensembles of trees as libraries have them, and as the TreeEnsemble of ai.onnx.ml that decides as they do.

Every library compares in its own way: with a threshold of doubles, with NaN, with a band around zero, with sets of categories. All of them
become x <= threshold, x < threshold or membership, in the type that the library compares in, of columns that are made for it where need be:
so the way that a row takes is the library's for every number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnx_bridge.frontends.graph import ML, Graph

#: ONNX's numbers of comparisons.
_LEQ, _LT, _MEMBER = 0, 1, 6


@dataclass
class Tree:
    """One tree; node 0 is the root.

    Attributes:
        feature: of each node; -1 for a leaf.
        threshold: what it is compared with.
        left, right: where it goes where the comparison holds, and where not.
        missing_left: whether NaN goes left.
        values: what leaves say, [nodes][targets], or of one target [nodes].
        less: whether the comparison is x < threshold rather than x <= threshold.
        sets: of nodes that ask whether x is one of some numbers, these; they go left where it is.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray
    less: bool = False
    sets: Mapping[int, Sequence[float]] = field(default_factory=dict)


def constant(values: Any) -> Tree:
    """A tree of one leaf: what is added first."""
    zero = np.zeros(1, np.int64)
    return Tree(zero - 1, np.zeros(1), zero, zero, np.zeros(1, bool), np.asarray(values, np.float64)[None])


def ensemble(g: Graph, x: str, trees: Sequence[Tree], targets: Sequence[int] | None, count: int, dtype: Any) -> str:
    """The sums of trees, [rows][count], added up in their order in the type `dtype`, which x must have.

    Args:
        g: gets the node.
        x: [rows][features].
        trees: all of the same form.
        targets: which target a tree adds to; None for trees whose leaves speak of all of them, which are written once for each.
        count: how many targets there are.
        dtype: float32 or float64.
    """
    parts = _Parts()
    for number, tree in enumerate(trees):
        if targets is not None:
            parts.add(tree, tree.values.reshape(len(tree.feature)), targets[number])
        else:
            for target in range(count):
                parts.add(tree, tree.values.reshape(len(tree.feature), count)[:, target], target)
    made: str = g.add("TreeEnsemble", x, domain=ML, n_targets=count, aggregate_function=1, post_transform=0, **parts.attributes(dtype))
    return made


class _Parts:
    """The attributes of a TreeEnsemble, gathered."""

    def __init__(self) -> None:
        self.lists: dict[str, list[np.ndarray]] = {}
        self.roots: list[int] = []
        self.members: list[np.ndarray] = []
        self.nodes = self.leaves = 0

    def add(self, tree: Tree, values: np.ndarray, target: int) -> None:
        """One tree for one target."""
        if tree.feature[0] < 0:  # ONNX wants a node: one whose ways are one leaf
            zero = np.zeros(2, np.int64)
            lone = np.array([0, -1])
            tree = Tree(lone, np.zeros(2), zero + 1, zero + 1, np.ones(2, bool), np.zeros(0))
            values = np.array([0.0, values[0]])
        inner = tree.feature >= 0
        place = np.zeros(len(inner), np.int64)
        place[inner] = self.nodes + np.arange(inner.sum())
        place[~inner] = self.leaves + np.arange((~inner).sum())
        left, right = tree.left[inner], tree.right[inner]
        modes = np.full(len(inner), _LT if tree.less else _LEQ)
        modes[list(tree.sets)] = _MEMBER
        for node in sorted(tree.sets):
            self.members.append(np.array([*tree.sets[node], np.nan]))
        for name, array in (
            ("nodes_featureids", tree.feature[inner]), ("nodes_splits", np.where(modes == _MEMBER, 0, tree.threshold)[inner]),
            ("nodes_truenodeids", place[left]), ("nodes_trueleafs", ~inner[left]), ("nodes_falsenodeids", place[right]),
            ("nodes_falseleafs", ~inner[right]), ("nodes_modes", modes[inner]),
            ("nodes_missing_value_tracks_true", tree.missing_left[inner]), ("leaf_weights", values[~inner]),
            ("leaf_targetids", np.full((~inner).sum(), target)),
        ):  # fmt: skip
            self.lists.setdefault(name, []).append(np.asarray(array))
        self.roots.append(self.nodes)
        self.nodes += int(inner.sum())
        self.leaves += int((~inner).sum())

    def attributes(self, dtype: Any) -> dict[str, Any]:
        """All of them, with numbers of a type."""
        joined = {name: np.concatenate(parts) for name, parts in self.lists.items()}
        tensors = {
            "nodes_splits": joined.pop("nodes_splits").astype(dtype), "leaf_weights": joined.pop("leaf_weights").astype(dtype),
            "nodes_modes": joined.pop("nodes_modes").astype(np.uint8),
        }  # fmt: skip
        if self.members:
            tensors["membership_values"] = np.concatenate(self.members).astype(dtype)
        return {**{name: array.astype(np.int64).tolist() for name, array in joined.items()}, **tensors, "tree_roots": self.roots}
