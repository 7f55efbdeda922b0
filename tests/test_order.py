"""Nodes that stand before what they read are sorted; a circle is an error."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from check import oracle
from zoo import ZOO, Net

from onnx_bridge import InvalidModel, convert
from onnx_bridge.normalize import normalize
from onnx_bridge.normalize.order import in_order, sort_nodes


@pytest.mark.parametrize("name", ["conv_net", "either", "rollout", "transformer"])
def test_nodes_in_reverse_are_sorted(name: str) -> None:
    """Those of bodies, and those that read the outer graph from within: the same header as of the sorted file."""
    model = ZOO[name]()
    turned = onnx.ModelProto()
    turned.CopyFrom(model)
    graphs = [turned.graph, *(a.g for node in turned.graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)]
    for graph in graphs:
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(graph.node)]
        del graph.node[:]
        graph.node.extend(copies)
    assert not in_order(turned)

    made = convert(turned, name=name, verify=False)

    assert any("stood before what they read" in note for note in made.report.notes)
    onnx.checker.check_model(made.normal)
    assert sorted(n.name for n in made.normal.graph.node) == sorted(n.name for n in normalize(model)[0].graph.node)
    feeds = {i.name: np.ones([d.dim_value or 2 for d in i.type.tensor_type.shape.dim], np.float32) for i in model.graph.input}
    for ours, theirs in zip(oracle(made.normal).run(None, feeds), oracle(model).run(None, feeds), strict=True):
        assert np.array_equal(ours, theirs)


def test_nodes_in_order_stay() -> None:
    for make in ZOO.values():
        model = make()
        before = model.SerializeToString(deterministic=True)
        assert sort_nodes(model) == [] and model.SerializeToString(deterministic=True) == before


def test_a_circle_is_named() -> None:
    net = Net("circle")
    x = net.input("x", (2,))
    h = net("Add", x, "circle_Neg1")
    y = net("Neg", h)
    graph = net.graph(y=(net("Exp", y), 1, (2,)))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)

    with pytest.raises(InvalidModel, match="Add 'circle_Add0' <- Neg 'circle_Neg1' <- Add 'circle_Add0'"):
        convert(model)


def test_what_the_checker_says_is_kept_whole() -> None:
    net = Net("missing")
    net.input("x", (2,))
    graph = net.graph(y=(net("Neg", "nowhere"), 1, (2,)))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)

    with pytest.raises(InvalidModel, match="input 'nowhere' of node: name: missing_Neg0 OpType: Neg is not output of any") as caught:
        convert(model)
    assert "'nowhere' is read, but is neither an input, nor an initializer" in str(caught.value)
