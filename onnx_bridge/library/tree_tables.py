"""Tree ensembles as the tables that trees.hxx walks: every comparison becomes one of integers, every node a record beside its sibling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import DType, float32, float64
from onnx_bridge.ir.tensor import ShapeError
from onnx_bridge.library.trees import EQ, GT, GTE, LEAF, LEQ, NEQ, Ensemble


@dataclass(frozen=True)
class Tables:
    """What trees.hxx reads; see there.

    Attributes:
        dtype: the type of the features and sums, float32 or float64.
        width: how many features are read.
        nan_low, nan_high: whether a NaN is below all numbers for some nodes, and above them for some.
        nodes: the records.
        roots: where each tree's first record is.
        form: what a leaf holds: "LeafWeight", "LeafRow" or "LeafList".
        targets: of LeafWeight, each tree's target; empty where there is one target.
        first, ids: of LeafList, where each leaf's part of the list begins, and the targets in it.
        weights: of LeafRow and LeafList.
    """

    dtype: DType
    width: int
    nan_low: bool
    nan_high: bool
    nodes: np.ndarray
    roots: np.ndarray
    form: str
    targets: np.ndarray
    first: np.ndarray
    ids: np.ndarray
    weights: np.ndarray


@dataclass
class _Tests:
    """Nodes as tests of integers: `low` comes next where the feature's key is at most `key`, else `high`.

    nan_high: whether a NaN goes to `high`. Leaves have feature -1.
    """

    feature: np.ndarray
    key: np.ndarray
    low: np.ndarray
    high: np.ndarray
    nan_high: np.ndarray


def ordered(values: np.ndarray) -> np.ndarray:
    """Integers in the order of some floats; -0 is one below 0. What tree_key() of trees.hxx gives."""
    kind = np.int64 if values.dtype == np.float64 else np.int32
    bits: Any = np.ascontiguousarray(values).view(kind)
    return np.asarray(np.where(bits < 0, bits ^ np.iinfo(kind).max, bits))


def _at_most(values: np.ndarray) -> np.ndarray:
    """The largest keys of numbers that are at most these; of NaN, none."""
    return np.where(np.isnan(values), np.iinfo(ordered(values).dtype).min, np.where(values == 0, 0, ordered(values)))


def _below(values: np.ndarray) -> np.ndarray:
    """The largest keys of numbers that are less than these; of NaN, none."""
    keys, least = ordered(values), np.iinfo(ordered(values).dtype).min
    return np.where(np.isnan(values), least, np.where(values == 0, -2, np.maximum(keys, least + 1) - 1))


def _tests(ensemble: Ensemble) -> _Tests:
    """The nodes as tests; equality takes two, membership a search, and a comparison with NaN asks whether the feature is one."""
    mode, threshold, true, false = ensemble.mode, ensemble.threshold, ensemble.true, ensemble.false
    keys = np.where((mode == LEQ) | (mode == GT), _at_most(threshold), _below(threshold))
    most = np.iinfo(keys.dtype).max - 1  # above all numbers, below a NaN that is above them
    rising = (mode == GTE) | (mode == GT) | (mode == NEQ)
    tests = _Tests(
        np.where(mode == LEAF, -1, ensemble.feature), keys, np.where(rising, false, true), np.where(rising, true, false),
        np.where(rising, ensemble.missing, ~ensemble.missing),
    )  # fmt: skip
    odd = np.flatnonzero(np.isnan(threshold) & (mode <= NEQ))
    tests.key[odd], tests.low[odd], tests.high[odd], tests.nan_high[odd] = most, false[odd], true[odd], ensemble.missing[odd]
    always = odd[mode[odd] == NEQ]
    tests.low[always], tests.high[always] = true[always], true[always]
    _equalities(ensemble, tests, np.flatnonzero(((mode == EQ) | (mode == NEQ)) & ~np.isnan(threshold)))
    if ensemble.members:
        _memberships(ensemble, tests, most)
    return tests


def _equalities(ensemble: Ensemble, tests: _Tests, nodes: np.ndarray) -> None:
    """x == t: not below t, and then at most t, in a node of its own behind all others."""
    if not nodes.size:
        return
    equal = ensemble.mode[nodes] == EQ
    true, false, missing = ensemble.true[nodes], ensemble.false[nodes], ensemble.missing[nodes]
    there, elsewhere = np.where(equal, true, false), np.where(equal, false, true)
    own = len(tests.key) + np.arange(len(nodes))
    # A NaN equals nothing; where it is missing it takes the way of `true`, as it does where anything but t is true.
    there_by_nan = equal & missing
    tests.key[nodes], tests.low[nodes], tests.high[nodes] = _below(ensemble.threshold[nodes]), elsewhere, own
    tests.nan_high[nodes] = there_by_nan
    tests.feature = np.concatenate([tests.feature, ensemble.feature[nodes]])
    tests.key = np.concatenate([tests.key, _at_most(ensemble.threshold[nodes])])
    tests.low, tests.high = np.concatenate([tests.low, there]), np.concatenate([tests.high, elsewhere])
    tests.nan_high = np.concatenate([tests.nan_high, np.zeros(len(nodes), bool)])


def _memberships(ensemble: Ensemble, tests: _Tests, most: int) -> None:
    """x is one of a set: a search among the ends of the members, each of which stands alone between two of them."""
    feature, key, low, high, nan_high = (
        list(array) for array in (tests.feature, tests.key, tests.low, tests.high, tests.nan_high)
    )  # fmt: skip

    def put(at: int, of: int, limit: int, less: int, more: int, nan_above: bool = False) -> int:
        if at == len(key):
            for part in (feature, key, low, high, nan_high):
                part.append(0)
        feature[at], key[at], low[at], high[at], nan_high[at] = of, limit, less, more, nan_above
        return at

    for node, values in ensemble.members.items():
        of, true, false = (int(array[node]) for array in (ensemble.feature, ensemble.true, ensemble.false))
        members = np.unique(values)
        ends = np.stack([_below(members), _at_most(members)], 1).reshape(-1).tolist()
        results = [false if place % 2 == 0 else true for place in range(len(ends) + 1)]
        # Neighbours are joined until one test is above all; a NaN is below all ends, where nothing is a member.
        made = [(place, place, result) for place, result in enumerate(results)]
        while len(made) > 1:
            joined = []
            for index in range(0, len(made) - 1, 2):
                left, right = made[index], made[index + 1]
                joined.append((left[0], right[1], put(len(key), of, ends[left[1]], left[2], right[2])))
            made = joined + made[len(made) // 2 * 2 :]
        search = made[0][2]
        put(node, of, most, search, true if ensemble.missing[node] else false, True)
    tests.feature, tests.key = np.array(feature, np.int64), np.array(key, tests.key.dtype)
    tests.low, tests.high, tests.nan_high = np.array(low, np.int64), np.array(high, np.int64), np.array(nan_high, bool)


def _levels(tests: _Tests, roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How deep each inner node stands, and in the tree of which root; of one that several ways lead to, the last of them.

    Raises:
        ShapeError: a way leads back to where it comes from.
    """
    count = len(tests.key)
    inner = tests.feature >= 0
    left = np.bincount(np.concatenate([tests.low[inner], tests.high[inner]]), minlength=count)
    depth, tree = np.zeros(count, np.int64), np.zeros(count, np.int64)
    tree[roots] = np.arange(len(roots))
    front, level, done = np.flatnonzero((left == 0) & inner), 0, 0
    while front.size:
        depth[front] = level
        done += len(front)
        below = np.concatenate([tests.low[front], tests.high[front]])
        tree[below] = np.concatenate([tree[front], tree[front]])
        np.subtract.at(left, below, 1)
        below = np.unique(below)
        front, level = below[(left[below] == 0) & inner[below]], level + 1
    if done < np.count_nonzero(inner):
        raise ShapeError("its nodes are in a circle: a node leads back to itself")
    return depth, tree


def tables(ensemble: Ensemble, count: int) -> Tables:
    """The tables of an ensemble of `count` targets.

    Raises:
        ShapeError: nodes are in a circle; a leaf has several weights of the only target; there are too many nodes.
    """
    tests = _tests(ensemble)
    depth, tree = _levels(tests, ensemble.roots)
    inner = np.flatnonzero(tests.feature >= 0)
    inner = inner[np.lexsort((depth[inner], tree[inner]))]
    double = ensemble.dtype is float64
    words = 4 if double else 3
    # Each tree: the record of its root, then those of its inner nodes' children, two by two.
    before = np.concatenate([[0], np.cumsum(1 + 2 * np.bincount(tree[inner], minlength=len(ensemble.roots)))])
    pairs = np.zeros(len(tests.key), np.int64)
    pairs[inner] = 1 + tree[inner] + 2 * np.arange(len(inner))
    if before[-1] * words >= 1 << 31:
        raise ShapeError(f"it has {before[-1]} nodes; at most {(1 << 31) // words} have room in a table")
    owner = np.zeros(before[-1], np.int64)
    owner[before[:-1]] = ensemble.roots
    owner[pairs[inner]], owner[pairs[inner] + 1] = tests.low[inner], tests.high[inner]
    nan_high = bool(tests.nan_high[inner].any())
    nan_low = not nan_high or bool((~tests.nan_high[inner]).any())
    form, payload, targets, first, ids, weights = _leaves(ensemble, tree, tests, count)
    keys = tests.key.copy()
    keys[: len(payload)] = np.where(ensemble.mode == LEAF, payload, keys[: len(payload)])
    leaf = tests.feature[owner] < 0
    nodes = np.zeros((len(owner), words), np.int32)
    nodes[:, : words - 2] = keys[owner].reshape(-1, 1).view(np.int32)
    column = 1 + tests.feature[owner] + np.where(tests.nan_high[owner] & nan_low, ensemble.width, 0)
    nodes[:, words - 2] = np.where(leaf, 0, column)
    nodes[:, words - 1] = words * np.where(leaf, np.arange(len(owner)), pairs[owner])
    roots = (before[:-1] * words).astype(np.int32)
    dtype = float64 if double else float32
    return Tables(dtype, ensemble.width, nan_low, nan_high, nodes.reshape(-1), roots, form, targets, first, ids, weights)


def _leaves(
    ensemble: Ensemble, tree: np.ndarray, tests: _Tests, count: int
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What leaves hold: the form, by node what stands in its record, and the arrays that go with the form."""
    nodes, none = len(ensemble.mode), np.zeros(0, np.int32)
    order = np.argsort(ensemble.leaves, kind="stable")
    leaves, ids, weights = ensemble.leaves[order], ensemble.targets[order], ensemble.weights[order]
    many = np.bincount(leaves, minlength=nodes)
    is_leaf = ensemble.mode == LEAF
    if count == 1 and (many > 1).any():
        raise ShapeError("a leaf has several weights of the only target")
    payload = np.zeros(nodes, tests.key.dtype)
    if (many[is_leaf] == 1).all():
        targets = np.full(len(ensemble.roots), -1, np.int64)
        targets[tree[leaves]] = ids
        if (targets[tree[leaves]] == ids).all() and _is_forest(ensemble, tests):
            payload[leaves] = np.ascontiguousarray(weights).view(payload.dtype)
            return "LeafWeight", payload, none if count == 1 else np.maximum(targets, 0).astype(np.int32), none, none, none
    numbers = np.cumsum(is_leaf) - 1
    pairs = np.unique(leaves * count + ids)
    if len(pairs) == len(leaves) and (many[is_leaf] == count).all():
        rows = np.zeros((int(is_leaf.sum()), count), weights.dtype)
        rows[numbers[leaves], ids] = weights
        payload[is_leaf] = numbers[is_leaf] * count
        return "LeafRow", payload, none, none, none, rows.reshape(-1)
    payload[is_leaf] = numbers[is_leaf]
    first = np.concatenate([[0], np.cumsum(many[is_leaf])])
    if first[-1] >= 1 << 31:
        raise ShapeError(f"it has {first[-1]} weights; at most {1 << 31} have room in a table")
    return "LeafList", payload, none, first.astype(np.int32), ids.astype(np.int32), weights


def _is_forest(ensemble: Ensemble, tests: _Tests) -> bool:
    """Whether every node belongs to one tree: no two ways lead to it, from nodes or as roots, but for those of one comparison."""
    inner = np.flatnonzero(ensemble.mode != LEAF)
    ways = np.concatenate([ensemble.roots, ensemble.true[inner], ensemble.false[inner]])
    return bool((np.bincount(ways, minlength=len(ensemble.mode)) <= 1).all())
