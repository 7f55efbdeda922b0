"""Sums of products of uint8 by int8, which onnxruntime cuts to 16 bits on processors without VNNI.

A session that is asked for exact ones (`session.x64quantprecision`) has them where the int8 factor is a constant matrix; of others
it cuts the sums all the same, without a word.
"""

from __future__ import annotations

import functools
from contextlib import closing

import numpy as np
import onnx
from onnx import TensorProto, helper

from onnx_bridge.graphs import all_nodes
from onnx_bridge.references.sessions import Sessions

#: Operators with such sums, and DequantizeLinear, behind which onnxruntime puts them.
_SUM = frozenset({
    "MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "QGemm", "QAttention", "DynamicQuantizeMatMul", "MatMulIntegerToFloat",
    "DynamicQuantizeLSTM", "DequantizeLinear",
})  # fmt: skip

#: What a refusal says.
CUT = "on this processor it cuts sums of products of uint8 by int8 to 16 bits"


def are_cut(model: onnx.ModelProto) -> bool:
    """Whether onnxruntime may cut sums of a model, here."""
    return any(node.op_type in _SUM for node in all_nodes(model.graph)) and not _exact()


@functools.cache
def _exact() -> bool:
    """Whether onnxruntime sums exactly what it cuts first: the largest products, of a factor that is an input."""
    ends = [helper.make_tensor_value_info("a", TensorProto.UINT8, [1, 4]), helper.make_tensor_value_info("b", TensorProto.INT8, [4, 16])]
    end = helper.make_tensor_value_info("y", TensorProto.INT32, [1, 16])
    graph = helper.make_graph([helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "sums", ends, [end])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    feeds = {"a": np.full((1, 4), 255, np.uint8), "b": np.full((4, 16), 127, np.int8)}
    with closing(Sessions()) as sessions:
        sessions.open("sums", lambda file: file.write(model.SerializeToString()), optimised=True)
        return bool((sessions.run("sums", feeds)[0] == 4 * 255 * 127).all())
