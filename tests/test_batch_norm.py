"""BatchNormalization and what is like it goes into the weights of the layer in front, and only where it may."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import convert
from onnx_bridge.ir.rmodel import RModel

RNG = np.random.default_rng(1)


def net(
    nodes: Sequence[onnx.NodeProto], shape: Sequence[int | str], outputs: Sequence[str] = ("y",), **constants: np.ndarray
) -> onnx.ModelProto:
    """A model with input x and some constants."""
    initializers = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs], initializers,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def normalization(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("BatchNormalization", [source, "scale", "bias", "mean", "variance"], [target], epsilon=0.01)


def parameters(channels: int) -> dict[str, np.ndarray]:
    """Those of a normalisation."""
    return {name: RNG.uniform(0.2, 2, channels) for name in ("scale", "bias", "mean", "variance")}


def kinds(model: RModel) -> list[str]:
    """The operators after the passes."""
    return [op.op_type for op in model.operators]


CONV = helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1])
GROUPED = helper.make_node("Conv", ["x", "w", "b"], ["a"], group=5)
TRANSPOSED = helper.make_node("ConvTranspose", ["x", "w"], ["a"], strides=[2, 2])
KERNEL, MATRIX = RNG.normal(size=(20, 5, 3, 3)), RNG.normal(size=(7, 20))


@pytest.mark.parametrize(
    ("layer", "shape", "constants", "kind"),
    [
        ([CONV], ("N", 5, 6, 7), {"w": KERNEL, **parameters(20)}, "Convolution"),
        ([GROUPED], ("N", 5, 6, 7), {"w": KERNEL[:, :1], "b": np.ones(20), **parameters(20)}, "Convolution"),
        ([TRANSPOSED], (2, 20, 4, 4), {"w": KERNEL, **parameters(5)}, "TransposedConvolution"),
        ([helper.make_node("Gemm", ["x", "w", "b"], ["a"])], ("N", 7), {"w": MATRIX, "b": np.ones(20), **parameters(20)}, "Dense"),
        (
            [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["a"])],
            ("N", 7), {"w": MATRIX, "b": np.ones(20), **parameters(20)}, "Dense",
        ),
    ],
    ids=["conv", "depthwise", "transposed", "gemm", "matmul and bias"],
)  # fmt: skip
def test_folded(layer: list[onnx.NodeProto], shape: Sequence[int | str], constants: dict[str, np.ndarray], kind: str) -> None:
    """A normalisation right behind a layer costs nothing, and the answers stay those of onnxruntime."""
    model = net([*layer, normalization("a", "y")], shape, **constants)

    converted = convert(model)

    operators = [op for op in converted.model.operators if "Blocked" not in op.op_type]
    assert [op.op_type for op in operators] == [kind]
    assert not operators[0].steps  # type: ignore[attr-defined]


def test_pointwise_constants_are_folded() -> None:
    """Factors and offsets of channels, and of everything, are folded as well."""
    nodes = [
        CONV,
        helper.make_node("Mul", ["a", "factor"], ["b"]),
        helper.make_node("Sub", ["b", "half"], ["c"]),
        helper.make_node("Div", ["c", "factor"], ["y"]),
    ]

    converted = convert(net(nodes, (1, 5, 6, 6), w=KERNEL, factor=RNG.uniform(1, 2, (20, 1, 1)), half=np.array(0.5)))

    assert all(not getattr(op, "steps", None) for op in converted.model.operators)


def test_switched_off() -> None:
    """Without the pass the normalisation is an epilogue."""
    converted = convert(net([CONV, normalization("a", "y")], (1, 5, 6, 6), w=KERNEL, **parameters(20)), without=["batch norm"])

    assert [step.op.op_type for op in converted.model.operators for step in getattr(op, "steps", [])] == ["Affine"]


def test_not_folded_where_another_reads_the_layer() -> None:
    """What is also an output keeps its own weights."""
    converted = convert(net([CONV, normalization("a", "y")], (1, 5, 6, 6), ("y", "a"), w=KERNEL, **parameters(20)))

    assert "Affine" in [step.op.op_type for op in converted.model.operators for step in getattr(op, "steps", [])]


def test_not_folded_along_another_axis() -> None:
    """Channels that are not the columns of a Dense do not go into its weights."""
    model = net(
        [helper.make_node("MatMul", ["x", "w"], ["a"]), normalization("a", "y")], (2, 4, 7), w=RNG.normal(size=(7, 4)), **parameters(4)
    )

    converted = convert(model)

    assert "Affine" in [step.op.op_type for op in converted.model.operators for step in getattr(op, "steps", [])]


def test_not_folded_behind_a_normalisation_of_the_input() -> None:
    """One in front of a layer stays where it is."""
    model = net(
        [normalization("x", "a"), helper.make_node("Gemm", ["a", "w"], ["y"])], ("N", 7), w=RNG.normal(size=(7, 4)), **parameters(7)
    )

    assert kinds(convert(model).model) == ["Pointwise", "Dense"]
