"""MRotaryEmbedding of com.microsoft: heads turned by angles of three positions."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, bool_, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.heads import check_rotary, cut, turned
from onnx_bridge.operators.pointwise import TABLE

_PLACES = np.array([[[0, 3, 2], [1, 1, 7]], [[4, 1, 0], [8, 2, 3]], [[5, 5, 6], [0, 2, 4]]])


@operator("MRotaryEmbedding", domain="com.microsoft")
class MRotaryEmbedding(Composite):
    """Each head of x, [N, S, heads * D] or [N, heads, S, D], turned by angles of its place in time, height and width.

    Inputs: x, the positions [3, N, S], and the cosines and sines of all of them, [positions, half]. `mrope_section` says how many columns
    of these each of the three has: side by side, or with mrope_layout 1 in turns, where time has what the others leave.
    """

    computes = (WIDE_FLOATS, (int64,), WIDE_FLOATS)

    interleaved: int = attribute(0)
    is_packed_batching: int = attribute(0)
    mrope_layout: int = attribute(0)
    mrope_section: list[int] = attribute()
    num_heads: int = attribute(0)
    rotary_embedding_dim: int = attribute(0)
    scale: float = attribute(1.0)

    def types(self, x: Tensor, places: Tensor, cos: Tensor, sin: Tensor) -> Type:
        if self.is_packed_batching or self.scale != 1:
            raise UnsupportedForm("is_packed_batching, of rows of several lengths without padding, and a scale are not supported")
        if x.rank not in (3, 4) or (x.rank == 3 and self.num_heads < 1):
            raise ShapeError(f"x must have rank 3 or 4, and with rank 3 num_heads must be given; got {x.type}")
        length = x.shape[-2]
        fits(places, (3, x.shape[0], length), "position_ids")
        turns, sections = check_rotary(cos, sin, 0), self.mrope_section
        if len(sections) != 3 or min(sections) < 0 or 2 * sum(sections) != turns or self.mrope_layout not in (0, 1):
            raise ShapeError(f"mrope_section must be three numbers that add up to {turns // 2}, and mrope_layout 0 or 1; got {sections}")
        if not isinstance(x.shape[-1], int):
            raise UnsupportedForm(f"the size of a head must be known, got {x.type}")
        width = x.shape[-1] if x.rank == 4 else x.shape[-1] // self.num_heads
        whole = x.rank == 4 or width * self.num_heads == x.shape[-1]
        if not whole or turns != (self.rotary_embedding_dim or width) or width < max(turns, 1):
            raise ShapeError(f"heads of {width} numbers, of which {turns} are turned, do not fit {x.type}")
        return x.type

    def streams(self) -> np.ndarray:
        """Which of the three positions a column of the tables is of."""
        time, height, width = self.mrope_section
        if not self.mrope_layout:
            return np.repeat([0, 1, 2], [time, height, width])
        columns = np.arange(time + height + width)
        return np.where((columns % 3 == 1) & (columns < 3 * height), 1, np.where((columns % 3 == 2) & (columns < 3 * width), 2, 0))

    def parts(self, build: Parts) -> Tensor:
        x, places = self.x, self.input(1)
        batch, length = places.shape[1:]
        streams = self.streams()
        tables = []
        for table in (self.input(2), self.input(3)):
            found = build.add(Gather, table, places, axis=0)
            rows = [build.reshape(cut(build, found, i, i + 1, 0), [batch, length, 1, len(streams)]) for i in range(3)]
            for stream in (1, 2):
                chosen = build.model.new_constant("stream", streams == stream, bool_)
                rows[0] = build.add(TABLE["Where"], chosen, rows[stream], rows[0])
            tables.append(rows[0])
        cos, sin = tables
        if x.rank == 4:
            across = build.transpose(x, [0, 2, 1, 3])
            return build.transpose(turned(build, across, cos, sin, bool(self.interleaved)), [0, 2, 1, 3])
        assert isinstance(x.shape[2], int)
        apart = build.reshape(x, [*x.shape[:2], self.num_heads, x.shape[2] // self.num_heads])
        return build.reshape(turned(build, apart, cos, sin, bool(self.interleaved)), x.shape)

    cases = (
        case(x=(2, 3, 24), places=given(_PLACES, "int64"), cos=weight(9, 4), sin=weight(9, 4),
             attributes={"num_heads": 3, "mrope_section": [2, 1, 1]}),
        case(x=(2, 2, 3, 16), places=given(_PLACES, "int64"), cos=weight(9, 8), sin=weight(9, 8),
             attributes={"mrope_section": [4, 2, 2], "mrope_layout": 1}),
        case(x=(2, 3, 36), places=given(_PLACES, "int64"), cos=weight(9, 5), sin=weight(9, 5),
             attributes={"num_heads": 3, "rotary_embedding_dim": 10, "mrope_section": [2, 2, 1], "mrope_layout": 1, "interleaved": 1}),
    )  # fmt: skip
