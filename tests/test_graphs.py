"""Graph surgery: what each of its tools does to a graph, graphs inside it included."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from zoo import Net

from onnx_bridge import graphs


def branching() -> onnx.ModelProto:
    """An If whose branches read `h` of the graph around it; `spare` is read by nobody."""
    net = Net("net")
    h = net("Relu", net.input("x", ("N", 3)))
    net("Neg", h)
    inner = Net("inner")
    branch = inner.graph(then=(inner("Exp", h), TensorProto.FLOAT, None))
    y = net("If", net.constant(True, np.bool_), then_branch=branch, else_branch=branch)
    return net.floats(y=(y, ("N", 3)))


def test_names_are_those_of_the_graphs_inside_too() -> None:
    model = branching()

    assert graphs.names_in(graphs.all_graphs(model.graph)) >= {"x", "y", "net_Relu0", "inner_Exp0", "then", "net_c0"}
    assert [node.op_type for node in graphs.all_nodes(model.graph)].count("Exp") == 2


def test_fresh_names_are_nobodys() -> None:
    fresh = graphs.Fresh({"a", "a_2"})

    assert [fresh("a"), fresh("b"), fresh("a"), fresh("b")] == ["a_3", "b", "a_4", "b_2"]


def test_renaming_follows_a_tensor_into_the_graphs_inside() -> None:
    model = branching()
    graphs.rename(list(graphs.all_graphs(model.graph)), {"net_Relu0": "h", "x": "features"})

    assert [value.name for value in model.graph.input] == ["features"] and model.graph.node[0].output == ["h"]
    assert {name for node in graphs.all_nodes(model.graph) if node.op_type == "Exp" for name in node.input} == {"h"}
    onnx.checker.check_model(model, full_check=True)


def test_nodes_are_replaced_by_what_a_rule_makes() -> None:
    """The nodes that stay are whole afterwards, though the field that held them was emptied."""
    model = branching()

    def twice(node: onnx.NodeProto) -> list[onnx.NodeProto]:
        if node.op_type != "Relu":
            return [node]
        return [helper.make_node("Neg", ["x"], ["minus"]), helper.make_node("Neg", ["minus"], list(node.output))]

    graphs.rewrite_nodes(model.graph, twice)

    assert [node.op_type for node in model.graph.node] == ["Neg", "Neg", "Neg", "If", "Identity"]
    assert model.graph.node[3].attribute[0].g.node[0].op_type == "Exp"
    onnx.checker.check_model(model, full_check=True)


def test_attributes_are_set_and_taken_away() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=2, pads=[1, 1], auto_pad="NOTSET")
    graphs.set_attributes(node, group=3, auto_pad=None, strides=[2])

    assert {entry.name for entry in node.attribute} == {"group", "pads", "strides"}
    assert (graphs.attribute(node, "group", 1), graphs.attribute(node, "pads", None)) == (3, [1, 1])
    assert graphs.attribute(node, "auto_pad", b"VALID") == b"VALID"


@pytest.mark.parametrize("spelt", ["", "ai.onnx"])
def test_onnx_is_imported_once_however_it_is_spelt(spelt: str) -> None:
    model = helper.make_model(branching().graph, opset_imports=[helper.make_opsetid(spelt, 17)])
    for domain in ("", "ai.onnx", "mine", "mine"):
        graphs.imports_domain(model, domain, 5)

    assert [(entry.domain, entry.version) for entry in model.opset_import] == [(spelt, 17), ("mine", 5)]
    assert graphs.opset(model) == 17 and graphs.opset(onnx.ModelProto()) == 1


def test_operators_that_onnx_has_not_yet() -> None:
    """In the graphs inside, too; those of other domains are not ONNX's to know."""
    model = branching()
    inner = model.graph.node[2].attribute[0].g.node[0]
    inner.op_type = "CumProd"  # of opset 26
    model.graph.node[0].op_type, model.graph.node[0].domain = "Frobnicate", "mine"

    assert [node.op_type for node in graphs.unknown_operators(model)] == ["CumProd"]


def test_what_nobody_reads_goes() -> None:
    model = branching()
    graphs.add_constant(model.graph, [1, 2], "spare")

    assert graphs.drop_unread(model.graph) == 1
    assert "Neg" not in {node.op_type for node in model.graph.node} and [t.name for t in model.graph.initializer] == ["net_c0"]
    assert graphs.drop_unread(model.graph) == 0
    onnx.checker.check_model(model, full_check=True)


def test_a_note_is_written_once() -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    graphs.note(node, "key", "first")
    graphs.note(node, "key", "second")

    assert [(entry.key, entry.value) for entry in node.metadata_props] == [("key", "first")]
