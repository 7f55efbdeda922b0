"""TensorScatter."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import INDICES, MOVED
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import case, const, data, given


@operator("TensorScatter", since=24)
class TensorScatter(ROperator):
    """y = the cache, but along `axis`, from write_indices[batch] on, the update: how a cache of keys or values grows.

    mode linear, where what lies outside of the cache is dropped, or circular, where it goes on at the other end.
    """

    kernels = ("tensor_scatter.hxx",)
    computes = (MOVED, MOVED, INDICES)
    vectors = (2,)

    axis: int = attribute(-2)
    mode: str = attribute("linear")

    def types(self, cache: Tensor, update: Tensor, write_indices: Tensor | None = None) -> Type:
        if self.mode not in ("linear", "circular"):
            raise UnsupportedForm(f"mode must be linear or circular, got {self.mode!r}")
        axis = axis_in(self.axis, cache.rank)
        if axis == 0:
            raise ShapeError("axis must not be the batch's")
        if update.rank != cache.rank or update.dtype is not cache.dtype:
            raise ShapeError(f"update must be {cache.dtype} of rank {cache.rank}, got {update.type}")
        for other, (size, wanted) in enumerate(zip(update.shape, cache.shape, strict=True)):
            if other != axis:
                same(size, wanted)
        count, most = update.shape[axis], cache.shape[axis]
        if isinstance(count, int) and isinstance(most, int) and count > most:
            raise ShapeError(f"an update of {count} does not fit into a cache of {most}")
        if write_indices is not None:
            fits(write_indices, cache.shape[:1], "write_indices")
        return cache.type

    def emit(self, cpp: Writer) -> None:
        cache, update, at = self.arguments(3)
        assert cache is not None and update is not None
        axis = axis_in(self.axis, cache.rank)
        sizes = [cache.shape[0], dims.product(cache.shape[1:axis]), cache.shape[axis], update.shape[axis]]
        cpp.call("tensor_scatter", *sizes, dims.product(cache.shape[axis + 1 :]), self.mode == "circular", cache, update, at or
                 "static_cast<const std::int64_t*>(nullptr)", self.y)  # fmt: skip

    cases = (
        case(cache=("N", 3, 6, 5), update=("N", 3, 2, 5), write_indices=data("N", dtype="int64", low=0, high=4), opset=24),
        case(cache=(2, 3, 6, 5), update=(2, 3, 2, 5), opset=24),
        case(cache=(3, 6, 5), update=(3, 4, 5), write_indices=given([5, 2, 0], "int64"), attributes={"mode": "circular"}, opset=24),
        case(cache=(3, 5, 6), update=(3, 5, 1), write_indices=const([5, 2, 0]), attributes={"axis": -1}, opset=24),
        case(cache=(2, "T", 6), update=(2, 1, 6), write_indices=const([0, 0]), attributes={"axis": 1}, opset=24),
        case(cache=data(2, 4, 3, dtype="int8"), update=data(2, 2, 3, dtype="int8"), write_indices=const([2, 1]), opset=24),
        case(cache=data(2, 4, 3, dtype="float16"), update=data(2, 2, 3, dtype="float16"), write_indices=const([2, 1]), opset=24),
    )
