"""An RModel that a program builds itself, by the three steps of SOFIE's programs: initialize, generate, output_generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from check import oracle
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import ArgumentError, RModel
from onnx_bridge.ir import ShapeError
from onnx_bridge.operators.batch_normalization import BatchNormalization
from onnx_bridge.operators.conv import Conv
from onnx_bridge.operators.flatten import Flatten
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.operators.lstm import LSTM
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.runtime.compiled import compile_emitted


class Both:
    """The same network as an RModel and as an ONNX graph, so that onnxruntime can be asked."""

    def __init__(self, name: str, x: tuple[int | str, ...], outputs: list[str]) -> None:
        self.rmodel, self.nodes, self.weights, self.outputs = RModel(name), [], [], outputs
        self.x = helper.make_tensor_value_info("x", TensorProto.FLOAT, x)
        self.rmodel.add_input_tensor_info("x", "float32", x)

    def weight(self, name: str, *shape: int, low: float = -1) -> str:
        value = np.random.default_rng(len(self.weights)).uniform(low, 1, shape).astype(np.float32)
        self.rmodel.add_initialized_tensor(name, value)
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def add(self, cls: type, inputs: list[str], outputs: list[str], **attributes: object) -> None:
        self.rmodel.add_operator(cls.make(**attributes), inputs, outputs)  # type: ignore[attr-defined]
        self.nodes.append(helper.make_node(cls.op_type, inputs, outputs, **attributes))  # type: ignore[attr-defined]

    def differ(self, x: np.ndarray) -> float:
        """The largest difference between the header and onnxruntime."""
        self.rmodel.add_output_tensor_name_list(self.outputs)
        ends = [helper.make_empty_tensor_value_info(name) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "both", [self.x], ends, self.weights)
        wanted = oracle(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)).run(None, {"x": x})
        got = compile_emitted(self.rmodel.generate()).run({"x": x})
        return max(float(np.abs(a - b).max()) for a, b in zip(got, wanted, strict=True))


def test_dense_layers() -> None:
    net = Both("by_hand_dense", ("N", 5), ["y"])
    net.add(Gemm, ["x", net.weight("a", 7, 5), net.weight("b", 7)], ["h"], transB=1)
    net.add(TABLE["Relu"], ["h"], ["r"])
    net.add(Gemm, ["r", net.weight("c", 7, 2), net.weight("d", 2)], ["y"], alpha=0.5)

    assert net.differ(np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)) < 1e-6


def test_convolutions() -> None:
    net = Both("by_hand_conv", ("N", 3, 8, 8), ["y"])
    net.add(Conv, ["x", net.weight("k", 4, 3, 3, 3)], ["h"], pads=[1, 1, 1, 1])
    names = [net.weight("scale", 4), net.weight("shift", 4), net.weight("mean", 4), net.weight("variance", 4, low=0.5)]
    net.add(BatchNormalization, ["h", *names], ["n"])
    net.add(TABLE["Relu"], ["n"], ["r"])
    net.add(Flatten, ["r"], ["f"])
    net.add(Gemm, ["f", net.weight("w", 256, 3)], ["y"])

    assert net.differ(np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)) < 1e-5


def test_recurrent_layers() -> None:
    net = Both("by_hand_lstm", ("T", "N", 4), ["y", "last"])
    net.add(LSTM, ["x", net.weight("w", 1, 24, 4), net.weight("r", 1, 24, 6), net.weight("b", 1, 48)], ["y", "last"], hidden_size=6)

    assert net.differ(np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)) < 1e-6


def small() -> RModel:
    """x [N, 3] -> dense, Relu -> y [N, 2]."""
    model = RModel("by_hand")
    model.add_input_tensor_info("x", "float32", ["N", 3])
    model.add_initialized_tensor("w", np.ones((3, 2), np.float32))
    model.add_operator(Gemm.make(), ["x", "w"], ["h"])
    model.add_operator(TABLE["Relu"].make(), ["h"], ["y"])
    model.add_output_tensor_name_list(["y"])
    return model


def test_the_passes_run_once(tmp_path: Path) -> None:
    """Whether `initialize` is called, twice, or left out; the steps of SOFIE's programs end with the files."""
    model = small()
    model.initialize()
    operators = list(model.operators)
    model.initialize()
    assert model.operators == operators and [op.op_type for op in operators] == ["Dense"]

    header = model.output_generated(tmp_path)

    assert header == tmp_path / "by_hand.hxx" and (tmp_path / "by_hand.dat").exists()
    assert header.read_text() == small().generate().header
    assert "by_hand.dat" not in small().generate(weights="header").header


def test_what_is_wrong_is_said_where_it_is_added() -> None:
    model = small()
    with pytest.raises(ShapeError, match="attribute 'transC' is not known"):
        Gemm.make(transC=1)
    with pytest.raises(ShapeError, match="2 and 3"):
        model.add_operator(Gemm.make(), ["y", "w"], ["z"])
    model.name = "not a name"
    with pytest.raises(ArgumentError, match="'not a name' cannot, 'not_a_name' can"):
        model.generate()
