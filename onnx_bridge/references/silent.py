"""Where onnxruntime is wrong without a word: what is looked at before a header that differs from it is refused.

A fault is what models it may show in, and a small model that shows whether it is there: it depends on the processor and the release.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from onnx_bridge.graphs import all_graphs, all_nodes
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.sessions import Sessions


@dataclass(frozen=True)
class Fault:
    """Something that onnxruntime silently gets wrong.

    Attributes:
        why: what a refusal says.
        may_show: whether it may show in a model; more than needed are harmless, the next reference judges them.
        shows: whether it is there, on this processor, in this release.
    """

    why: str
    may_show: Callable[[onnx.ModelProto], bool]
    shows: Callable[[], bool]


def doubt(model: onnx.ModelProto) -> Refusal | None:
    """Why onnxruntime is not to be believed about a model, here; None where nothing is known."""
    found = (Refusal("onnxruntime", "model", fault.why) for fault in FAULTS if fault.may_show(model) and fault.shows())
    return next(found, None)


def are_cut(model: onnx.ModelProto) -> bool:
    """Whether onnxruntime may cut sums of bytes of a model, here."""
    return CUT_SUMS.may_show(model) and CUT_SUMS.shows()


#: Operators with sums of products of bytes, and DequantizeLinear, behind which onnxruntime puts them.
_SUM = frozenset({
    "MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "QGemm", "QAttention", "DynamicQuantizeMatMul", "MatMulIntegerToFloat",
    "DynamicQuantizeLSTM", "DequantizeLinear",
})  # fmt: skip


def _sums_bytes(model: onnx.ModelProto) -> bool:
    return any(node.op_type in _SUM for node in all_nodes(model.graph))


@functools.cache
def _cuts_sums() -> bool:
    """The largest products, of a factor that is an input: where it is a constant, sums are exact (`session.x64quantprecision`)."""
    feeds = {"a": np.full((1, 4), 255, np.uint8), "b": np.full((4, 16), 127, np.int8)}
    answer = _answer("g (uint8[1,4] a, int8[4,16] b) => (int32[1,16] y) { y = MatMulInteger(a, b) }", feeds)
    return not (answer == 4 * 255 * 127).all()


def _gathers_text(model: onnx.ModelProto) -> bool:
    return any(node.op_type == "Gather" for node in all_nodes(model.graph)) and TensorProto.STRING in _types(model)


@functools.cache
def _leaves_text_out() -> bool:
    text = np.array([["a", "b"], ["c", "d"]], object)
    answer = _answer("g (string[2,2] x, int64[1] i) => (string[1,2] y) { y = Gather(x, i) }", {"x": text, "i": np.array([1])})
    return not np.array_equal(answer, [["c", "d"]])


def _types(model: onnx.ModelProto) -> Iterator[int]:
    """The element types that are named anywhere in a model."""
    for graph in all_graphs(model.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            yield value.type.tensor_type.elem_type
            yield value.type.sequence_type.elem_type.tensor_type.elem_type
        yield from (tensor.data_type for tensor in graph.initializer)
    for node in all_nodes(model.graph):
        for attribute in node.attribute:
            yield attribute.i if attribute.name == "to" else attribute.t.data_type
            if attribute.name in ("value_string", "value_strings"):
                yield TensorProto.STRING


def _answer(graph: str, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    """The output of a small model."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 13]> {graph}')
    with closing(Sessions()) as sessions:
        sessions.open("fault", lambda file: file.write(model.SerializeToString()), optimised=True)
        return sessions.run("fault", feeds)[0]


CUT_SUMS = Fault("on this processor it cuts sums of products of uint8 by int8 to 16 bits", _sums_bytes, _cuts_sums)

#: Every fault that is known.
FAULTS = (CUT_SUMS, Fault("its Gather copies only the first string of each block", _gathers_text, _leaves_text_out))
