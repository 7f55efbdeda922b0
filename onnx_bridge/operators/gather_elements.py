"""GatherElements and GatherND: elements or blocks, found by index."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import MOVED
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, same
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import case, const, data


@operator("GatherElements", since=11)
class GatherElements(ROperator):
    """y[i.., j, k..] = x[i.., indices[i.., j, k..], k..], `axis` being that of j; y has the shape of indices."""

    kernels = ("gather.hxx",)
    computes = (MOVED,)

    axis: int = attribute(0)

    def types(self, x: Tensor, indices: Tensor) -> Type:
        along(x, indices, self.axis)
        return Type(x.dtype, indices.shape)

    def emit(self, cpp: Writer) -> None:
        x, indices = self.x, self.input(1)
        cpp.call("gather_elements", x.shape, indices.shape, axis_in(self.axis, x.rank), x, indices, self.y)

    cases = (
        case(x=("N", 5, 4), indices=data("N", 3, 4, dtype="int64", low=-5, high=5), attributes={"axis": 1}),
        case(x=data(6, 5, dtype="str"), indices=data(4, 5, dtype="int32", low=-6, high=6)),
        case(x=(6, 5), indices=data(4, 5, dtype="int32", low=-6, high=6)),
        case(x=(6, 5), indices=data(4, 2, dtype="int64", low=0, high=5), attributes={"axis": -1}),
        case(x=(9,), indices=data("N", dtype="int64", low=0, high=9)),
        case(x=data(6, 5, dtype="bool", low=0, high=2), indices=data(6, 1, dtype="int64", low=0, high=5), attributes={"axis": 1}),
        case(x=data(6, 5, dtype="int64", high=99), indices=data(0, 5, dtype="int64", low=0, high=1)),
    )


def along(x: Tensor, indices: Tensor, axis: int) -> int:
    """The axis of operators whose indices choose along one axis, and have at most x's size on the others."""
    place = axis_in(axis, x.rank)
    if indices.rank != x.rank:
        raise ShapeError(f"indices must have rank {x.rank} as the data, got {indices.type}")
    for a, (size, chosen) in enumerate(zip(x.shape, indices.shape, strict=True)):
        if a != place:
            room = size - chosen
            if isinstance(room, int) and room < 0:
                raise ShapeError(f"indices {indices.type} reach out of {x.type} on axis {a}")
            dims.assume(room)
    return place


@operator("GatherND", since=11)
class GatherND(ROperator):
    """y[b.., i.., k..] = x[b.., indices[b.., i.., 0], indices[b.., i.., 1], ..., k..], the first `batch_dims` axes (since 12) being b."""

    kernels = ("gather.hxx",)
    computes = (MOVED,)

    batch_dims: int = attribute(0)

    def types(self, x: Tensor, indices: Tensor) -> Type:
        shape, batch = self.blocks(x, indices)
        return Type(x.dtype, (*batch, *indices.shape[self.batch_dims : -1], *x.shape[self.batch_dims + len(shape) :]))

    def blocks(self, x: Tensor, indices: Tensor) -> tuple[Shape, Shape]:
        """The sizes that the indices are for, and those of the batch."""
        if indices.rank == 0 or not isinstance(indices.shape[-1], int):
            raise UnsupportedForm(f"the last size of indices must be known, got {indices.type}")
        begin, depth = self.batch_dims, indices.shape[-1]
        if not 0 <= begin < min(x.rank, indices.rank) or not 1 <= depth <= x.rank - begin:
            raise ShapeError(f"indices {indices.type} with batch_dims {begin} do not fit {x.type}")
        return x.shape[begin : begin + depth], tuple(map(same, x.shape[:begin], indices.shape[:begin]))

    def emit(self, cpp: Writer) -> None:
        x, indices = self.x, self.input(1)
        shape, batch = self.blocks(x, indices)
        inner = dims.product(x.shape[self.batch_dims + len(shape) :])
        count = dims.product(indices.shape[self.batch_dims : -1])
        cpp.call("gather_nd", dims.product(batch), shape, inner, count, x, indices, self.y)

    cases = (
        case(x=(3, 5, 4), indices=const([[1], [4], [-1]]), attributes={"batch_dims": 1}),
        case(x=data(6, 5, 4, dtype="str"), indices=data("N", 2, dtype="int64", low=-5, high=5)),
        case(x=(6, 5, 4), indices=data("N", 2, dtype="int64", low=-5, high=5)),
        case(x=(6, 5, 4), indices=data(3, 2, 3, dtype="int64", low=0, high=4)),
        case(x=(6, 5), indices=data(1, dtype="int64", low=0, high=6)),
        case(x=(2, "N", 4), indices=data(2, "N", 1, dtype="int64", low=-4, high=4), attributes={"batch_dims": 2}),
        case(x=data(6, 5, dtype="int64", high=99), indices=data(3, 2, dtype="int64", low=0, high=5)),
        case(x=data(6, 5, dtype="bool", low=0, high=2), indices=data(0, 2, dtype="int64", low=0, high=4)),
    )
