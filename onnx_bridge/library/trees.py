"""Tree ensembles as ONNX's operators describe them, read and checked: one form for every version, which `tree_tables` packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import DType, float32, float64
from onnx_bridge.ir.tensor import ShapeError

#: How nodes compare, by the numbers that version 5 has for them; LEAF is ours.
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER")
LEQ, LT, GTE, GT, EQ, NEQ, MEMBER = range(len(MODES))
LEAF = len(MODES)


@dataclass
class Ensemble:
    """Nodes of all trees in arrays of one length, in whatever order.

    Attributes:
        mode: how a node compares the feature with the threshold: one of the numbers above.
        feature, threshold: of nodes that are no leaves; thresholds are float32 or float64, the type that is computed in.
        true, false: the numbers of the next nodes.
        missing: whether a NaN takes the way of `true`, whatever the comparison says.
        roots: the first node of each tree, in the order that their answers are added in.
        leaves, targets, weights: what the leaf of that number adds to that target, an entry each, in the file's order for each leaf.
        members: the sets of the nodes of mode MEMBER, by node.
    """

    mode: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    true: np.ndarray
    false: np.ndarray
    missing: np.ndarray
    roots: np.ndarray
    leaves: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    members: dict[int, np.ndarray]

    @property
    def width(self) -> int:
        """How many features a row must have at least."""
        inner = self.mode != LEAF
        return int(self.feature[inner].max()) + 1 if inner.any() else 0

    def compares(self) -> tuple[np.ndarray, np.ndarray]:
        """What features are compared with: a feature and a finite number, each pair once or more often."""
        inner = (self.mode != LEAF) & (self.mode != MEMBER)
        feature = [self.feature[inner], *(np.full(len(members), self.feature[node]) for node, members in self.members.items())]
        numbers = np.concatenate([self.threshold[inner], *self.members.values()])
        finite = np.isfinite(numbers)
        return np.concatenate(feature)[finite], numbers[finite]

    @property
    def dtype(self) -> DType:
        """The type that is compared and added in."""
        return float64 if self.threshold.dtype == np.float64 else float32


def integers(values: Sequence[int] | None) -> np.ndarray:
    """An attribute of integers."""
    return np.asarray(values or [], np.int64)


def numbers(values: Sequence[float] | None, tensor: Any, name: str) -> np.ndarray | None:
    """An attribute of floats, or of the tensor that newer versions have in its place; None if there is neither.

    Raises:
        ShapeError: both are given, or the tensor is none of floats.
    """
    if tensor is None:
        return np.asarray(values, np.float32) if values else None
    if values:
        raise ShapeError(f"{name} and {name}_as_tensor are both given")
    if not isinstance(tensor, np.ndarray) or tensor.dtype not in (np.float32, np.float64) or tensor.ndim != 1:
        raise ShapeError(f"{name}_as_tensor must be a list of float or double")
    return tensor if tensor.size else None


def of_one_length(**arrays: np.ndarray) -> int:
    """The length of arrays that must have one.

    Raises:
        ShapeError: they have not.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeError(f"attributes must have one length, got {', '.join(f'{name}: {n}' for name, n in lengths.items())}")
    return next(iter(lengths.values()))


class Places:
    """Where the nodes of version 1 and 3, named by tree and number, stand in the attributes.

    Raises:
        ShapeError: a name is given twice.
    """

    def __init__(self, trees: np.ndarray, nodes: np.ndarray) -> None:
        self._trees, self._nodes = np.unique(trees), np.unique(nodes)
        names, _ = self._names(trees, nodes)
        self._order = np.argsort(names, kind="stable")
        self._sorted = names[self._order]
        twice = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        if twice.size:
            at = self._order[twice[0]]
            raise ShapeError(f"node {nodes[at]} of tree {trees[at]} is given twice")

    def _names(self, trees: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One number for each pair, and whether both parts are known."""
        tree = np.minimum(np.searchsorted(self._trees, trees), max(len(self._trees) - 1, 0))
        node = np.minimum(np.searchsorted(self._nodes, nodes), max(len(self._nodes) - 1, 0))
        return tree * len(self._nodes) + node, (self._trees[tree] == trees) & (self._nodes[node] == nodes)

    def of(self, trees: np.ndarray, nodes: np.ndarray, what: str) -> np.ndarray:
        """The places of some nodes.

        Raises:
            ShapeError: one is not there.
        """
        if not len(self._sorted):
            if len(trees):
                raise ShapeError(f"{what} names node {nodes[0]} of tree {trees[0]}, which is not there")
            return np.zeros(0, np.int64)
        names, known = self._names(trees, nodes)
        at = np.minimum(np.searchsorted(self._sorted, names), len(self._sorted) - 1)
        wrong = np.flatnonzero(~known | (self._sorted[at] != names))
        if wrong.size:
            raise ShapeError(f"{what} names node {nodes[wrong[0]]} of tree {trees[wrong[0]]}, which is not there")
        return np.asarray(self._order[at], np.int64)


def of_version_3(op: Any, prefix: str, targets: int, double: bool) -> Ensemble:
    """The ensemble of a TreeEnsembleClassifier or TreeEnsembleRegressor.

    Args:
        op: the operator, with ONNX's attributes.
        prefix: what the attributes of weights are called by: "class" or "target".
        targets: how many classes or targets there are.
        double: whether the features are doubles.

    Raises:
        ShapeError: the attributes contradict themselves.
    """
    tree, node = integers(op.nodes_treeids), integers(op.nodes_nodeids)
    feature, true, false = map(integers, (op.nodes_featureids, op.nodes_truenodeids, op.nodes_falsenodeids))
    known = {**{name: number for number, name in enumerate(MODES[:MEMBER])}, "LEAF": LEAF}
    unknown = next((name for name in op.nodes_modes or [] if name not in known), None)
    if unknown is not None:
        raise ShapeError(f"nodes_modes has {unknown!r:.40}; known are {', '.join(known)}")
    mode = np.array([known[name] for name in op.nodes_modes or []], np.uint8)
    values = numbers(op.nodes_values, getattr(op, "nodes_values_as_tensor", None), "nodes_values")
    weights = numbers(getattr(op, f"{prefix}_weights"), getattr(op, f"{prefix}_weights_as_tensor", None), f"{prefix}_weights")
    double = double or any(array is not None and array.dtype == np.float64 for array in (values, weights))
    kind = np.float64 if double else np.float32
    values = np.zeros(0, kind) if values is None else values.astype(kind)
    weights = np.zeros(0, kind) if weights is None else weights.astype(kind)
    count = of_one_length(
        nodes_treeids=tree, nodes_nodeids=node, nodes_featureids=feature, nodes_modes=mode, nodes_values=values,
        nodes_truenodeids=true, nodes_falsenodeids=false,
    )  # fmt: skip
    if count == 0:
        raise ShapeError("there are no nodes")
    missing = integers(op.nodes_missing_value_tracks_true) if op.nodes_missing_value_tracks_true else np.zeros(count, np.int64)
    of_one_length(nodes_nodeids=node, nodes_missing_value_tracks_true=missing)
    places, inner = Places(tree, node), mode != LEAF
    true[inner] = places.of(tree[inner], true[inner], "nodes_truenodeids")
    false[inner] = places.of(tree[inner], false[inner], "nodes_falsenodeids")
    of_tree, of_node, of_target = (integers(getattr(op, f"{prefix}_{name}")) for name in ("treeids", "nodeids", "ids"))
    of_one_length(
        **{f"{prefix}_treeids": of_tree, f"{prefix}_nodeids": of_node, f"{prefix}_ids": of_target, f"{prefix}_weights": weights},
    )
    leaves = places.of(of_tree, of_node, f"{prefix}_nodeids")
    _check_targets(of_target, targets, f"{prefix}_ids")
    kept = mode[leaves] == LEAF  # what stands at a node that is none is never reached
    roots = _roots(tree, np.concatenate([true[inner], false[inner]]))
    ensemble = Ensemble(
        mode, feature, values, true, false, missing != 0, roots, leaves[kept], of_target[kept], weights[kept], {}
    )  # fmt: skip
    _check_features(ensemble)
    return ensemble


def _roots(tree: np.ndarray, children: np.ndarray) -> np.ndarray:
    """The nodes that are no other's, one a tree, in the order in which trees come first.

    Raises:
        ShapeError: a tree has none, or several.
    """
    reached = np.zeros(len(tree), bool)
    reached[children] = True
    roots = np.flatnonzero(~reached)
    names, first = np.unique(tree, return_index=True)
    found, count = np.unique(tree[roots], return_counts=True)
    if len(found) < len(names):
        raise ShapeError(f"tree {np.setdiff1d(names, found)[0]} has no root: each of its nodes is another's child")
    if (count > 1).any():
        raise ShapeError(f"tree {found[count > 1][0]} has {count[count > 1][0]} nodes that are no other's child; one is its root")
    by_name = roots[np.argsort(tree[roots], kind="stable")]
    return np.asarray(by_name[np.argsort(first, kind="stable")], np.int64)


def of_version_5(op: Any) -> Ensemble:
    """The ensemble of a TreeEnsemble.

    Raises:
        ShapeError: the attributes contradict themselves.
    """
    feature, true, false = map(integers, (op.nodes_featureids, op.nodes_truenodeids, op.nodes_falsenodeids))
    true_leaf, false_leaf = integers(op.nodes_trueleafs), integers(op.nodes_falseleafs)
    leaf_target, roots = integers(op.leaf_targetids), integers(op.tree_roots)
    splits, weights, modes = (_listed(getattr(op, name), name) for name in ("nodes_splits", "leaf_weights", "nodes_modes"))
    kind = np.float64 if np.float64 in (splits.dtype, weights.dtype) else np.float32
    if modes.dtype != np.uint8 or (modes > MEMBER).any():
        raise ShapeError(f"nodes_modes must be numbers from 0 to {MEMBER}, of type uint8")
    count = of_one_length(
        nodes_featureids=feature, nodes_truenodeids=true, nodes_falsenodeids=false, nodes_trueleafs=true_leaf, nodes_falseleafs=false_leaf,
        nodes_splits=splits, nodes_modes=modes,
    )  # fmt: skip
    leaves = of_one_length(leaf_targetids=leaf_target, leaf_weights=weights)
    missing = integers(op.nodes_missing_value_tracks_true) if op.nodes_missing_value_tracks_true else np.zeros(count, np.int64)
    of_one_length(nodes_modes=modes, nodes_missing_value_tracks_true=missing)
    if count == 0 or len(roots) == 0:
        raise ShapeError("there are no trees")
    for name, ids, is_leaf in (("true", true, true_leaf), ("false", false, false_leaf)):
        wrong = np.flatnonzero((ids < 0) | (ids >= np.where(is_leaf != 0, leaves, count)))
        if wrong.size:
            what = "leaf" if is_leaf[wrong[0]] else "node"
            raise ShapeError(f"nodes_{name}nodeids[{wrong[0]}] names {what} {ids[wrong[0]]}, which is not there")
    if (roots < 0).any() or (roots >= count).any():
        raise ShapeError(f"tree_roots must be numbers of nodes, from 0 to {count - 1}")
    _check_targets(leaf_target, op.n_targets, "leaf_targetids")

    def with_leaves(of_nodes: np.ndarray, of_leaves: Any) -> np.ndarray:
        return np.concatenate([of_nodes, np.full(leaves, of_leaves, of_nodes.dtype)])

    members = _members(op.membership_values, np.flatnonzero(modes == MEMBER), kind)
    ensemble = Ensemble(
        with_leaves(modes, LEAF), with_leaves(feature, 0), with_leaves(splits.astype(kind), 0),
        with_leaves(true + count * (true_leaf != 0), 0), with_leaves(false + count * (false_leaf != 0), 0),
        with_leaves(missing != 0, False), roots, np.arange(count, count + leaves), leaf_target, weights.astype(kind), members,
    )  # fmt: skip
    _check_features(ensemble)
    return ensemble


def _listed(tensor: Any, name: str) -> np.ndarray:
    """An attribute that is a tensor of rank 1."""
    if not isinstance(tensor, np.ndarray) or tensor.ndim != 1:
        raise ShapeError(f"{name} must be a list of numbers")
    return tensor


def _members(values: Any, nodes: np.ndarray, kind: type) -> dict[int, np.ndarray]:
    """The sets of the nodes that ask for membership: runs of values that a NaN ends, in the order of the nodes."""
    listed: np.ndarray = np.zeros(0, kind) if values is None else _listed(values, "membership_values").astype(kind)
    ends = np.flatnonzero(np.isnan(listed))
    sets = [part[~np.isnan(part)] for part in np.split(listed, ends)]
    if len(sets) > 1 and not sets[-1].size:
        sets.pop()
    if values is None or not listed.size:
        sets = []
    if len(sets) != len(nodes):
        raise ShapeError(f"membership_values has {len(sets)} sets, each ended by a NaN, for {len(nodes)} nodes of mode BRANCH_MEMBER")
    return {int(node): found for node, found in zip(nodes, sets, strict=True)}


def _check_targets(ids: np.ndarray, count: int, name: str) -> None:
    wrong = np.flatnonzero((ids < 0) | (ids >= count))
    if wrong.size:
        raise ShapeError(f"{name}[{wrong[0]}] is {ids[wrong[0]]}; there are {count}")


def _check_features(ensemble: Ensemble) -> None:
    inner = ensemble.mode != LEAF
    if (ensemble.feature[inner] < 0).any():
        raise ShapeError(f"nodes_featureids must not be negative, got {ensemble.feature[inner].min()}")
    if inner.any() and ensemble.feature[inner].max() >= 1 << 30:
        raise ShapeError(f"nodes_featureids has {ensemble.feature[inner].max()}, more than any row has")
