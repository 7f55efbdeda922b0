"""RotaryEmbedding of com.microsoft."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.attention import numbers
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.heads import check_rotary, positions, turned
from onnx_bridge.operators.pointwise import TABLE

_PLACES = np.array([[0, 3, 2], [1, 1, 7]])


@operator("RotaryEmbedding", domain="com.microsoft")
class RotaryEmbedding(Composite):
    """Each head of x, [N, S, heads * D] or [N, heads, S, D], turned by the angle of its position.

    Inputs: x, the positions ([N, S], or [1]: that of the first one), and the cosines and sines of all of them, [positions, half].
    """

    computes = (WIDE_FLOATS, (int64,), WIDE_FLOATS)

    interleaved: int = attribute(0)
    is_packed_batching: int = attribute(0)
    num_heads: int = attribute(0)
    rotary_embedding_dim: int = attribute(0)
    scale: float = attribute(1.0)

    def types(self, x: Tensor, places: Tensor, cos: Tensor, sin: Tensor) -> Type:
        if self.is_packed_batching:
            raise UnsupportedForm("is_packed_batching, of rows of several lengths without padding, is not supported; pad them")
        if self.scale != 1:
            raise UnsupportedForm(f"a scale other than 1 is not supported, got {self.scale}")
        if x.rank not in (3, 4):
            raise ShapeError(f"x must have rank 3 or 4, got {x.type}")
        batch, length = x.shape[0], x.shape[-2]
        if places.rank == 2:
            fits(places, (batch, length), "position_ids")
        else:
            fits(places, (1,), "position_ids")
        turns, width = check_rotary(cos, sin, length), self.width(cos)
        if not isinstance(width, int) or not isinstance(x.shape[-1], int):
            raise UnsupportedForm(f"the size of a head must be known, got {x.type}")
        if turns != (self.rotary_embedding_dim or width) or width < max(turns, 1) or x.shape[-1] % width:
            raise ShapeError(f"heads of {width} numbers, of which {turns} are turned, do not fit {x.type}")
        return x.type

    def width(self, cos: Tensor) -> Size:
        """The size of a head."""
        x = self.x
        if x.rank == 4:
            return x.shape[3]
        if self.rotary_embedding_dim:
            if self.num_heads < 1:
                raise ShapeError("num_heads must be given where rotary_embedding_dim is")
            return dims.floor_div(x.shape[2], self.num_heads)
        return 2 * cos.shape[1]

    def parts(self, build: Parts) -> Tensor:
        x, places, cos, sin = (self.input(index) for index in range(4))
        if places.rank == 1:
            length = x.shape[-2]
            places = build.add(TABLE["Add"], numbers(build, length, [1, length]), places)
        cos, sin = positions(build, places, cos, sin)
        if x.rank == 4:
            across = build.transpose(x, [0, 2, 1, 3])
            return build.transpose(turned(build, across, cos, sin, bool(self.interleaved)), [0, 2, 1, 3])
        width = self.width(self.input(2))
        apart = build.reshape(x, [*x.shape[:2], dims.floor_div(x.shape[2], width), width])
        return build.reshape(turned(build, apart, cos, sin, bool(self.interleaved)), x.shape)

    cases = (
        case(x=(2, 3, 24), places=given(_PLACES, "int64"), cos=weight(9, 4), sin=weight(9, 4)),
        case(x=("N", 5, 16), places=given([2], "int64"), cos=weight(9, 4), sin=weight(9, 4), attributes={"interleaved": 1}),
        case(x=(1, 4, "S", 8), places=given([1], "int64"), cos=weight(99, 4), sin=weight(99, 4)),
        case(x=(2, 4, 3, 8), places=given(_PLACES, "int64"), cos=weight(9, 4), sin=weight(9, 4)),
        case(x=(2, 3, 24), places=given(_PLACES, "int64"), cos=weight(9, 2), sin=weight(9, 2),
             attributes={"num_heads": 3, "rotary_embedding_dim": 4}),
        case(x=(2, 3, 24), places=given(_PLACES, "int64"), cos=weight(9, 2), sin=weight(9, 2),
             attributes={"num_heads": 3, "rotary_embedding_dim": 4, "interleaved": 1}),
    )  # fmt: skip
