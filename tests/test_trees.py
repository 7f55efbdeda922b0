"""Tree ensembles: drawn ones beside onnxruntime, at, just under and just over every threshold; what contradicts itself; many trees."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import onnx
import pytest
from check import FLAGS, oracle
from onnx import helper

from onnx_bridge import convert
from onnx_bridge.errors import UnsupportedModel
from onnx_bridge.library.tree_tables import ordered
from onnx_bridge.runtime.compiled import CompiledModel
from onnx_bridge.runtime.processor import BODIES, NUMBERS, best_body
from onnx_bridge.runtime.sources import MAIN, sources
from onnx_bridge.toolchain import build

BRANCHES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def model(op_type: str, attributes: dict[str, Any], features: int, dtype: str = "float32", version: int = 1) -> onnx.ModelProto:
    """One node of ai.onnx.ml over rows."""
    names = ["y", "z"] if op_type.endswith("Classifier") else ["y"]
    attributes = {k: onnx.numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
    node = helper.make_node(op_type, ["x"], names, domain="ai.onnx.ml", name="trees", **attributes)
    x = helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["rows", features])
    graph = helper.make_graph([node], "g", [x], [helper.make_empty_tensor_value_info(name) for name in names])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", version)], ir_version=9)


def drawn_tree(rng: np.random.Generator, tree: int, depth: int, features: int, modes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The nodes of a tree of up to so many levels, the root first, the others in any order."""
    nodes: list[dict[str, Any]] = []

    def grow(level: int) -> int:
        number = len(nodes)
        nodes.append({})
        leaf = level == depth or (level > 0 and rng.random() < 0.2)
        value = rng.choice([0.0, -0.0, 1.0, 0.5, float(np.float32(rng.normal())), 1e-40, float(np.float32(1 / 3))])
        nodes[number] = {
            "treeids": tree, "nodeids": number, "featureids": 0 if leaf else int(rng.integers(features)), "values": 0.0 if leaf else value,
            "modes": "LEAF" if leaf else str(rng.choice(modes)), "missing_value_tracks_true": int(rng.integers(2)),
            "truenodeids": 0, "falsenodeids": 0,
        }  # fmt: skip
        if not leaf:
            nodes[number]["truenodeids"], nodes[number]["falsenodeids"] = grow(level + 1), grow(level + 1)
        return number

    grow(0)
    return [nodes[0], *(nodes[1 + index] for index in rng.permutation(len(nodes) - 1))]


def drawn(seed: int, prefix: str, targets: int, trees: int, depth: int, features: int, weights: str) -> dict[str, Any]:
    """The attributes of an ensemble; a leaf has one weight, one for every target, or some."""
    rng = np.random.default_rng(seed)
    modes = BRANCHES if seed % 3 else BRANCHES[:1]
    nodes = [node for tree in range(trees) for node in drawn_tree(rng, 3 * tree + 1, depth, features, modes)]
    found: dict[str, Any] = {f"nodes_{key}": [node[key] for node in nodes] for key in nodes[0]}
    listed: dict[str, list[Any]] = {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    for node in nodes:
        many = {"one": 1, "all": targets, "some": int(rng.integers(1, targets + 1))}[weights]
        for target in rng.permutation(targets)[:many] if node["modes"] == "LEAF" else ():
            for key, value in (("treeids", node["treeids"]), ("nodeids", node["nodeids"]), ("ids", int(target)), ("weights", rng.normal())):
                listed[key].append(value)
    return {**found, **{f"{prefix}_{key}": value for key, value in listed.items()}}


def rows_around(attributes: dict[str, Any], features: int, rows: int, dtype: str, seed: int) -> np.ndarray:
    """Rows of numbers at, just under and just over the thresholds, and of NaN, infinities and zeros of both signs."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    at = np.unique(np.array(attributes["nodes_values"], np.float32)).astype(kind)
    if kind.kind != "f":
        return rng.integers(-2, 3, (rows, features)).astype(kind)
    down, up = np.nextafter(at, -np.inf, dtype=kind), np.nextafter(at, np.inf, dtype=kind)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42, 2.0], kind)
    return np.asarray(rng.choice(np.concatenate([at, down, up, special]), (rows, features)))


@pytest.mark.parametrize("seed", range(9))
def test_drawn_regressors(seed: int) -> None:
    """All modes, NaN either way, few rows and many, few trees and many: onnxruntime's answers, bit for bit."""
    features, targets, dtype = 5, 1 + seed % 3, ("float32", "float64")[seed % 2]
    attributes = drawn(seed, "target", targets, (1, 9, 70)[seed % 3], 1 + seed, features, ("one", "all", "some")[seed % 3])
    attributes |= {"n_targets": targets, "aggregate_function": ("SUM", "AVERAGE", "MIN", "MAX")[seed % 4]}
    made = model("TreeEnsembleRegressor", attributes, features, dtype)
    net, session = convert(made, verify=False).compile(), oracle(made)

    for rows in (1, 3, 8, 17, 200):
        x = rows_around(attributes, features, rows, dtype, seed)
        got, want = net.run({"x": x})[0], session.run(None, {"x": x})[0]
        assert np.array_equal(np.asarray(got), want, equal_nan=True), (seed, rows)


@pytest.mark.parametrize("seed", range(9))
def test_drawn_classifiers(seed: int) -> None:
    """One class, two, many; the labels and, without a transform, every bit of the scores."""
    features, classes, dtype = 4, (1, 2, 5)[seed % 3], ("float32", "float64", "int64", "int32")[seed % 4]
    # Of two classes of which a row meets only some onnxruntime writes half of the scores.
    attributes = drawn(seed, "class", classes, (1, 12, 90)[seed // 3], 1 + seed % 7, features, "one" if classes == 1 else "all")
    attributes["classlabels_int64s"] = [10 * (index + 1) for index in range(classes)]
    transform = ("NONE", "LOGISTIC", "SOFTMAX")[seed // 3]
    made = model("TreeEnsembleClassifier", {**attributes, "post_transform": transform}, features, dtype)
    net, session = convert(made, verify=False).compile(), oracle(made)

    for rows in (1, 2, 16, 129):
        x = rows_around(attributes, features, rows, dtype, seed)
        (labels, scores), (label, score) = net.run({"x": x}), session.run(None, {"x": x})
        assert np.array_equal(labels, label), (seed, rows)
        if transform == "NONE":
            assert np.array_equal(np.asarray(scores), score), (seed, rows)
        np.testing.assert_allclose(scores, score, rtol=1e-5, atol=1e-6)


def test_one_class() -> None:
    """What generators take for a class of two: one column of scores, of batches of one and of many, and a base value."""
    attributes = {**drawn(2, "class", 1, 9, 3, 4, "one"), "classlabels_int64s": [7], "base_values": [0.25], "post_transform": "LOGISTIC"}
    made = model("TreeEnsembleClassifier", attributes, 4)
    net, session = convert(made, verify=False).compile(), oracle(made)

    for rows in (1, 3, 40):
        x = rows_around(attributes, 4, rows, "float32", 2)
        (got_labels, got), (want_labels, want) = net.run({"x": x}), session.run(None, {"x": x})
        assert np.array_equal(got_labels, want_labels) and got.shape == (rows, 1)
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_a_row_has_the_same_bits_alone_and_among_others() -> None:
    """Eight trees of one row at a time, or one tree for eight rows."""
    attributes = {**drawn(5, "target", 2, 33, 6, 7, "some"), "n_targets": 2}
    net = convert(model("TreeEnsembleRegressor", attributes, 7), verify=False).compile()
    x = rows_around(attributes, 7, 77, "float32", 5)

    together = np.asarray(net.run({"x": x})[0])
    alone = np.concatenate([np.asarray(net.run({"x": row[None]})[0]) for row in x])

    assert np.array_equal(together, alone)


@pytest.mark.parametrize("prefix", ["target", "class"])
def test_every_body_has_the_same_bits(prefix: str) -> None:
    """With and without instructions that gather, of as many rows as fill their registers, and one."""
    many, op_type = 3, "TreeEnsembleRegressor" if prefix == "target" else "TreeEnsembleClassifier"
    labels = {"n_targets": many} if prefix == "target" else {"classlabels_int64s": [1, 2, 3]}
    attributes = {**drawn(5, prefix, many, 21, 7, 6, "all" if prefix == "class" else "some"), **labels}
    emitted = convert(model(op_type, attributes, 6), verify=False).emitted
    x = rows_around(attributes, 6, 111, "float32", 3)

    answers = []
    for body in [body for body in BODIES if best_body([body, "baseline"]) == body]:
        library = build(sources(emitted), MAIN, flags=[f"-DONNX_BRIDGE_ONLY={NUMBERS[body]}", *FLAGS])
        net = CompiledModel(emitted, str(library), "best")
        answers.append([np.asarray(value) for rows in (x, x[:33], x[:1]) for value in net.run({"x": rows})])

    assert answers
    for other in answers[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(answers[0], other, strict=True))


def test_keys_are_in_the_order_of_the_numbers() -> None:
    numbers = np.array([-np.inf, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, np.inf], np.float32)

    assert (np.diff(ordered(numbers).astype(np.int64)) > 0).all()
    assert (np.diff(ordered(numbers.astype(np.float64)).astype(object)) > 0).all()


def test_equal_ways_that_meet_are_walked() -> None:
    """LightGBM's sets of categories arrive as a chain of equalities, whose true ways lead to one node."""
    attributes = {
        "n_targets": 1, "nodes_treeids": [0] * 5, "nodes_nodeids": [*range(5)], "nodes_featureids": [0] * 5,
        "nodes_values": [1.0, 0, 2.0, 7.0, 0], "nodes_modes": ["BRANCH_EQ", "LEAF", "BRANCH_EQ", "BRANCH_EQ", "LEAF"],
        "nodes_truenodeids": [1, 0, 1, 1, 0], "nodes_falsenodeids": [2, 0, 3, 4, 0], "target_treeids": [0, 0], "target_nodeids": [1, 4],
        "target_ids": [0, 0], "target_weights": [0.25, 0.75],
    }  # fmt: skip
    made = model("TreeEnsembleRegressor", attributes, 1)
    x = np.array([[1], [2], [7], [3], [np.nan], [1.5], [0]], np.float32)

    got = convert(made, verify=False).compile().run({"x": x})[0]

    assert np.array_equal(np.asarray(got), oracle(made).run(None, {"x": x})[0])


STUMP: dict[str, Any] = {
    "n_targets": 1, "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0], "nodes_values": [0.5, 0.0, 0.0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
    "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [0.25, 0.75],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nodes_falsenodeids": [7, 0, 0]}, "nodes_falsenodeids names node 7 of tree 0, which is not there"),
        ({"nodes_truenodeids": [-1, 0, 0]}, "nodes_truenodeids names node -1 of tree 0, which is not there"),
        ({"nodes_nodeids": [0, 1, 1]}, "node 1 of tree 0 is given twice"),
        ({"nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], "nodes_truenodeids": [1, 0, 0]}, "no root"),
        ({"nodes_modes": ["LEAF", "LEAF", "LEAF"]}, "tree 0 has 3 nodes that are no other's child"),
        ({"nodes_featureids": [4, 0, 0]}, "a node asks for feature 4"),
        ({"nodes_featureids": [-1, 0, 0]}, "must not be negative"),
        ({"nodes_featureids": [0, 0]}, "attributes must have one length"),
        ({"nodes_modes": ["BRANCH", "LEAF", "LEAF"]}, "nodes_modes has 'BRANCH'"),
        ({"target_ids": [0, 1]}, r"target_ids\[1\] is 1; there are 1"),
        ({"target_nodeids": [1, 9]}, "target_nodeids names node 9 of tree 0, which is not there"),
        ({"target_weights": [1.0]}, "attributes must have one length"),
        ({"target_nodeids": [1, 1]}, "several weights"),
        ({"n_targets": 0}, "n_targets must be at least 1"),
        ({"base_values": [1.0, 2.0]}, "base_values must have a number for each of 1 targets"),
        ({"post_transform": "TANH"}, "post_transform must be one of"),
        ({"aggregate_function": "MEDIAN"}, "aggregate_function must be one of"),
        ({"nodes_missing_value_tracks_true": [1]}, "attributes must have one length"),
        ({key: [] for key in STUMP if key != "n_targets"}, "there are no nodes"),
    ],
)
def test_what_contradicts_itself_is_refused(change: dict[str, Any], why: str) -> None:
    attributes = {key: value for key, value in {**STUMP, **change}.items() if value != []}

    with pytest.raises(UnsupportedModel, match=why):
        convert(model("TreeEnsembleRegressor", attributes, 2), verify=False)


def test_a_circle_beside_a_root_is_refused() -> None:
    """Nodes 3 and 4 lead to each other, and from the root to them."""
    circle = {
        **STUMP, "nodes_treeids": [0] * 5, "nodes_nodeids": [*range(5)], "nodes_featureids": [0] * 5, "nodes_values": [0.5] * 5,
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ", "BRANCH_LEQ"], "nodes_truenodeids": [3, 0, 0, 4, 3],
        "nodes_falsenodeids": [1, 0, 0, 2, 2],
    }  # fmt: skip

    with pytest.raises(UnsupportedModel, match="circle"):
        convert(model("TreeEnsembleRegressor", circle, 2), verify=False)


FIFTH: dict[str, Any] = {
    "tree_roots": [0], "n_targets": 1, "nodes_featureids": [0], "nodes_truenodeids": [0], "nodes_trueleafs": [1], "nodes_falsenodeids": [1],
    "nodes_falseleafs": [1], "nodes_modes": np.array([6], np.uint8), "nodes_splits": np.array([0.5], np.float32), "leaf_targetids": [0, 0],
    "leaf_weights": np.array([1, 2], np.float32), "membership_values": np.array([1, 3, np.nan], np.float32),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nodes_falsenodeids": [2]}, "names leaf 2, which is not there"),
        ({"nodes_trueleafs": [0]}, "circle"),
        ({"nodes_trueleafs": [0], "nodes_truenodeids": [5]}, "names node 5, which is not there"),
        ({"tree_roots": [1]}, "tree_roots must be numbers of nodes"),
        ({"nodes_modes": np.array([9], np.uint8)}, "nodes_modes must be numbers from 0 to 6"),
        ({"membership_values": np.array([1, np.nan, 2, np.nan], np.float32)}, "2 sets"),
        ({"leaf_targetids": [0, 3]}, "leaf_targetids"),
        ({"aggregate_function": 9}, "aggregate_function must be a number from 0 to 3"),
        ({"n_targets": 2, "post_transform": 1}, "disagree"),
    ],
)
def test_what_contradicts_itself_in_version_5_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedModel, match=why):
        convert(model("TreeEnsemble", {**FIFTH, **change}, 2, version=5), verify=False)


@pytest.mark.parametrize("members", [[], [1.0], [-2.0, 5.0, 0.5], [float(number) for number in range(200)]])
@pytest.mark.parametrize("missing", [0, 1])
def test_members(members: list[float], missing: int) -> None:
    """Each member, what is beside it, and NaN: as ONNX has it. onnxruntime rounds the feature first."""
    attributes = {**FIFTH, "membership_values": np.array([*members, np.nan], np.float32), "nodes_missing_value_tracks_true": [missing]}
    net = convert(model("TreeEnsemble", attributes, 1, version=5), verify=False).compile()
    at = np.array([*members, 0.0, -1.0, 1e9], np.float32)
    x = np.concatenate([at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf)), [np.nan]]).astype(np.float32)

    got = np.asarray(net.run({"x": x[:, None]})[0])[:, 0]

    assert np.array_equal(got, np.where(np.isin(x, np.array(members, np.float32)) | (np.isnan(x) & bool(missing)), 1, 2))


def test_many_trees_are_tables_and_take_seconds() -> None:
    """They are in the weights file: the header is as short as that of one tree."""
    count, depth = 20_000, 5
    inner, size = 2**depth - 1, 2 ** (depth + 1) - 1
    number, rng = np.arange(size), np.random.default_rng(1)
    leaf = number >= inner
    nodes = {
        "nodes_treeids": np.repeat(np.arange(count), size), "nodes_nodeids": np.tile(number, count),
        "nodes_featureids": np.where(np.tile(leaf, count), 0, rng.integers(0, 20, count * size)),
        "nodes_values": rng.normal(size=count * size).astype(np.float32),
        "nodes_modes": np.tile(np.where(leaf, "LEAF", "BRANCH_LEQ"), count),
        "nodes_truenodeids": np.tile(np.where(leaf, 0, 2 * number + 1), count),
        "nodes_falsenodeids": np.tile(np.where(leaf, 0, 2 * number + 2), count),
        "target_treeids": np.repeat(np.arange(count), size - inner), "target_nodeids": np.tile(number[inner:], count),
        "target_ids": np.zeros(count * (size - inner), np.int64),
        "target_weights": rng.normal(size=count * (size - inner)).astype(np.float32),
    }  # fmt: skip
    made = model("TreeEnsembleRegressor", {"n_targets": 1, **{key: value.tolist() for key, value in nodes.items()}}, 20)

    begin = time.process_time()
    made_of = convert(made, verify=False)
    taken = time.process_time() - begin
    x = rng.normal(size=(9, 20)).astype(np.float32)
    got = np.asarray(made_of.compile().run({"x": x})[0])

    assert taken < 30, taken
    assert len(made_of.emitted.header) < 60_000
    assert np.array_equal(got, oracle(made).run(None, {"x": x})[0])
