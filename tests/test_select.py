"""The selection: nothing reaches the emission that no header can execute, and what a rule declines is told."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from zoo import ZOO, Net

from onnx_bridge import convert
from onnx_bridge.errors import InternalError
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.optimise import OPTIONAL
from onnx_bridge.select.product import Products


def dialects(model: RModel) -> dict[str, set[Dialect]]:
    """The dialects of each operator's name."""
    found: dict[str, set[Dialect]] = {}
    for op in model.operators:
        found.setdefault(op.op_type, set()).add(op.dialect)
        for body in nested_models(op):
            found |= dialects(body)
    return found


@pytest.fixture
def products() -> onnx.ModelProto:
    """A product by constants, its bias behind it, and one of two inputs."""
    net = Net("products")
    x = net.input("x", ("N", 4, 6))
    h = net("Add", net("MatMul", x, net.weight(6, 4)), net.weight(4))
    return net.floats(y=(net("Softmax", net("MatMul", h, x), axis=-1), ("N", 4, 6)))


def test_kernels_stand_where_there_are_some(products: onnx.ModelProto) -> None:
    made = convert(products, verify=False)

    assert dialects(made.model) == {name: {Dialect.KERNEL} for name in ("Dense", "Product", "Softmax")}


def test_what_a_rule_declines_is_told(products: onnx.ModelProto) -> None:
    notes = convert(products, verify=False).report.notes

    assert "dense matmul: products_MatMul2: the matrix on the right is known only at run time" in notes
    assert "pass dense matmul" in notes and "pass dense bias" in notes


def test_constants_that_are_not_finite_are_declined() -> None:
    net = Net("scaled")
    h = net("MatMul", net.input("x", ("N", 4)), net.weight(4, 3))
    model = net.floats(y=(net("Mul", h, net.constant([1, np.inf, 2], np.float32)), ("N", 3)))

    assert "batch norm: scaled_Mul1: its constants are not finite" in convert(model, verify=False).report.notes


def test_what_no_rule_takes_is_refused(products: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it reaches the emission, with the operator and its node."""
    monkeypatch.setattr(Products, "check", lambda self, op: "not today")

    with pytest.raises(InternalError, match="no rule of select/ takes MatMul, at 'products_MatMul2', and it has no kernel"):
        convert(products, verify=False)


@pytest.mark.parametrize("name", ["transformer", "lstm_tagger", "conv_net"])
def test_the_selection_does_not_lean_on_passes(name: str) -> None:
    """Without all that may be left out a header is made, and is right."""
    made = convert(ZOO[name](), without=OPTIONAL)

    assert made.report.passed
