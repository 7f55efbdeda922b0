"""Outputs that are positions (of the largest, of the k best): where values tie, one position is as good as another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnx

from onnx_bridge.errors import BridgeError
from onnx_bridge.graphs import attribute
from onnx_bridge.judge import RELATIVE, is_float, scale_of, tied
from onnx_bridge.references.oracle import Oracle

#: Operators that hand positions on as they are, some of them.
_PASSING = {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Slice", "Split", "Gather", "Expand", "Tile"}

#: Types that positions survive.
_WIDE = {onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}


@dataclass(frozen=True)
class _Places:
    """An output that holds positions, or values in any order.

    Attributes:
        maker: the node that finds them.
        chain: the nodes from there to the output.
    """

    maker: onnx.NodeProto
    chain: Sequence[onnx.NodeProto]

    @property
    def axis(self) -> int:
        return int(attribute(self.maker, "axis", -1 if self.maker.op_type == "TopK" else 0))

    @property
    def unsorted(self) -> bool:
        """Whether TopK gives them in any order, which nothing disturbs on the way."""
        plain = all(node.op_type in ("Identity", "Cast") for node in self.chain)
        return plain and self.maker.op_type == "TopK" and not attribute(self.maker, "sorted", 1)


class Ties:
    """What is known of positions among a model's outputs.

    Args:
        normal: the model in normal form.
    """

    def __init__(self, normal: onnx.ModelProto) -> None:
        self._normal = normal

    @cached_property
    def _producers(self) -> dict[str, onnx.NodeProto]:
        return {name: node for node in self._normal.graph.node for name in node.output if name}

    def _places(self, index: int) -> tuple[_Places, bool] | None:
        """Where an output's elements come from, and whether they are positions (else values of TopK)."""
        name, chain = self._normal.graph.output[index].name, list[onnx.NodeProto]()
        while (node := self._producers.get(name)) is not None:
            if node.op_type in ("ArgMax", "ArgMin", "TopK"):
                return _Places(node, chain[::-1]), node.op_type != "TopK" or name == node.output[1]
            if node.op_type not in _PASSING or node.op_type == "Cast" and attribute(node, "to", 0) not in _WIDE:
                return None
            chain.append(node)
            name = node.input[0]
        return None

    def in_order(self, index: int, array: np.ndarray) -> np.ndarray:
        """An output as it is compared: what may come in any order, sorted."""
        found = self._places(index)
        if found is None or not found[0].unsorted or array.ndim == 0:
            return array
        return np.sort(array, axis=found[0].axis)

    def explain(self, index: int, feeds: Mapping[str, np.ndarray], ours: np.ndarray, wanted: np.ndarray) -> bool:
        """Whether all differences of an output are positions of equal values, by what onnxruntime says of these."""
        found = self._places(index)
        if found is None or not found[1] or ours.shape != wanted.shape or ours.dtype != wanted.dtype:
            return False
        if is_float(ours) and not (np.isfinite(ours).all() and (ours == np.rint(ours)).all()):
            return False
        try:
            return self._explained(index, found[0], feeds, ours.astype(np.int64), wanted.astype(np.int64))
        except BridgeError:
            return False

    def _explained(self, index: int, places: _Places, feeds: Mapping[str, np.ndarray], ours: np.ndarray, wanted: np.ndarray) -> bool:
        maker, positions = places.maker, places.maker.output[-1]
        known = self._known(places, feeds)
        scores, found = known[maker.input[0]], known[positions]
        axis = places.axis % scores.ndim
        kept = maker.op_type == "TopK" or attribute(places.maker, "keepdims", 1) != 0
        numbers = np.arange(found.size, dtype=np.int64).reshape(found.shape)
        lines = np.moveaxis(numbers if kept else np.expand_dims(numbers, axis), axis, -1)
        rows = np.empty(found.size, np.int64)
        rows[lines.reshape(-1)] = np.repeat(np.arange(lines.size // max(1, lines.shape[-1])), lines.shape[-1])
        number = self._moved(places.chain, known, positions, numbers, self._normal.graph.output[index].name).reshape(-1)
        a, b, row = ours.reshape(-1), wanted.reshape(-1), rows[number]
        if maker.op_type == "TopK" and len(np.unique(np.stack([row, a]), axis=1).T) != len(np.unique(number)):
            return False  # one of them twice
        if places.unsorted:  # both were sorted: which of ours belongs to which of theirs only their values tell
            return _same_values(_lines(scores, axis), row, a, b, self._allowed(scores, maker.input[0]))
        differ = a != b
        return tied(_lines(scores, axis), row[differ], a[differ], b[differ], self._allowed(scores, maker.input[0]))

    def _allowed(self, scores: np.ndarray, name: str) -> float:
        """How far equal scores may be apart: not at all where they were not computed."""
        computed = name in self._producers and is_float(scores)
        return RELATIVE * scale_of(scores) if computed else 0.0

    def _known(self, places: _Places, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The scores, the positions, and what else the nodes on the way read, by onnxruntime."""
        known = {**{t.name: onnx.numpy_helper.to_array(t) for t in self._normal.graph.initializer}, **feeds}
        asked = [places.maker.input[0], places.maker.output[-1], *(name for node in places.chain for name in node.input[1:])]
        made = {name for node in places.chain for name in node.output}
        outputs = {value.name for value in self._normal.graph.output}
        wanted = [name for name in dict.fromkeys(asked) if name and name not in known and name not in made]
        with closing(Oracle.with_outputs(self._normal, [name for name in wanted if name not in outputs])) as oracle:
            return {**known, **dict(zip(oracle.output_names, oracle(feeds), strict=True))}

    def _moved(
        self, chain: Sequence[onnx.NodeProto], known: Mapping[str, np.ndarray], positions: str, numbers: np.ndarray, output: str
    ) -> np.ndarray:
        """Numbers in the place of positions, taken the same way to an output: which of them arrive where."""
        if not chain:
            return numbers
        own = {positions, *(name for node in chain for name in node.output)}
        others = [name for name in dict.fromkeys(name for node in chain for name in node.input) if name and name not in own]
        graph = onnx.helper.make_graph(
            chain, "way", [onnx.helper.make_tensor_value_info(positions, onnx.TensorProto.INT64, list(numbers.shape))],
            [onnx.helper.make_empty_tensor_value_info(output)], [onnx.numpy_helper.from_array(known[name], name) for name in others],
        )  # fmt: skip
        way = onnx.helper.make_model(graph, opset_imports=self._normal.opset_import, ir_version=self._normal.ir_version)
        with closing(Oracle.with_outputs(way, [])) as oracle:
            return oracle({positions: numbers})[0].astype(np.int64)


def _lines(scores: np.ndarray, axis: int) -> np.ndarray:
    """The scores as rows along an axis."""
    return np.moveaxis(scores, axis, -1).reshape(-1, scores.shape[axis])


def _same_values(lines: np.ndarray, rows: np.ndarray, a: np.ndarray, b: np.ndarray, allowed: float) -> bool:
    """Whether the positions of each row point to the same values, in whatever order."""
    for row in np.unique(rows):
        here = rows == row
        if a[here].min() < 0 or a[here].max() >= lines.shape[1]:
            return False
        x, y = np.sort(lines[row, a[here]]), np.sort(lines[row, b[here]])
        if not np.all((x == y) | (np.abs(x.astype(np.float64) - y) <= allowed)):
            return False
    return True
