"""OneHot."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INTEGERS, MOVED, SIGNED, WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import PARTS, ShapeError, Tensor, Type, fixed_of
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.texts import element
from onnx_bridge.operators.cases import case, const, data, given


@operator("OneHot", since=9)
class OneHot(ROperator):
    """y[i.., d, j..] = on where indices[i.., j..] is d, else off; values = [off, on]. The new axis has the size depth.

    A negative index counts from the end; one outside names no place. depth is a constant, a size, or what data decides.
    """

    may_read_sizes = True

    kernels = ("order.hxx",)
    computes = ((*WIDE_FLOATS, *INTEGERS), (*WIDE_FLOATS, *SIGNED), MOVED)

    axis: int = attribute(-1)

    def depth(self, depth: Tensor) -> Size:
        """The size of the new axis."""
        if depth.count != 1:
            raise ShapeError(f"depth must be one number, got {depth.type}")
        if depth.value is None and depth.fixed is None and self.reads_sizes:
            return self.find("depth", None)
        if depth.dtype.is_float and not depth.is_constant:
            (whole,) = fixed_of(depth)
            dims.assume(whole)
            return dims.floor_div(dims.maximum(whole, 0), PARTS)
        sizes = depth.sizes()
        if len(sizes) != 1 or (isinstance(sizes[0], int) and sizes[0] < 0):
            raise ShapeError(f"depth must be one number that is not negative, got {list(sizes)}")
        return sizes[0]

    def types(self, indices: Tensor, depth: Tensor, values: Tensor) -> Type:
        if values.count != 2:
            raise ShapeError(f"values must be two, off and on, got {values.type}")
        axis = axis_in(self.axis, indices.rank + 1)
        return Type(values.dtype, (*indices.shape[:axis], self.depth(depth), *indices.shape[axis:]))

    def reads(self) -> Sequence[int]:
        return (0, *([1] if self.found else []), *([] if self.input(2).is_constant else [2]))

    def emit(self, cpp: Writer) -> None:
        indices, values = self.x, self.input(2)
        for depth in self.found.values():
            number = f"*{cpp.pointer(self.input(1))}"
            cpp.line(f"if (!({number} >= 0 && {number} <= {2**31})) return false;")
            cpp.line(f"{cpp.size(depth)} = static_cast<Size>({number});")
            cpp.require_room(depth)
        axis = axis_in(self.axis, indices.rank + 1)
        if values.is_constant:
            off, on = (element(cpp, value, values.dtype) for value in values.constant().reshape(-1))
        else:
            off, on = (f"{cpp.pointer(values)}[{place}]" for place in (0, 1))
        outer, inner = dims.product(indices.shape[:axis]), dims.product(indices.shape[axis:])
        cpp.call("one_hot", outer, self.depth(self.input(1)), inner, indices, off, on, self.y)

    _OFF_ON = const([0.0, 1.0], "float32")
    cases = (
        case(indices=data("N", dtype="int64", low=-9, high=9), depth=const(7), values=_OFF_ON),
        case(indices=data(3, "N", dtype="int64", low=0, high=7), depth=const([7]), values=_OFF_ON, attributes={"axis": 1}),
        case(indices=data(3, 4, dtype="int64", low=0, high=7), depth=const(7), values=given([2.5, -1.0]), attributes={"axis": 0}),
        case(indices=given([6.0, -1.0, 7.0, 0.0]), depth=const(7.0, "float32"), values=_OFF_ON),
        case(indices=data(3, dtype="int32", low=0, high=7), depth=const(7, "int32"), values=_OFF_ON),
        case(indices=data(3, dtype="int64", low=0, high=7), depth=const(7), values=const([5, 9])),
        case(indices=data(3, dtype="int64", low=0, high=7), depth=data(dtype="int64", low=2, high=9), values=_OFF_ON),
        case(indices=data(3, dtype="int64", low=0, high=7), depth=given(7.0), values=_OFF_ON),
        case(indices=data("N", 2, dtype="int64", low=-7, high=7), depth=const(7), values=const(["", "yes"], "str"), attributes={"axis": 1}),
        case(indices=data("N", dtype="int64", low=-7, high=7), depth=const(7), values=given(["no", "yes"], "str")),
    )
