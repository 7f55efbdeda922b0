"""Views of views are one, and a Transpose of a view that joins axes becomes one of the axes themselves, which others can take in."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.known import of_sizes
from onnx_bridge.library.moving import Reshaping, trace
from onnx_bridge.library.view import refinement, runs_of, whole
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.reshape import reshape_to
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass
from onnx_bridge.passes.movement import captured_tensors, swept


class Reshapes(Pass):
    """
    1. A view of a view: a view of what that is a view of.
    2. Transpose of a view that joins axes, the axes that are joined are transposed, and then joined.
       [T, N, 16] as [T, N * 2, 8], transposed to [N * 2, T, 8], is [T, N, 2, 8] transposed to [N, 2, T, 8].
    3. Concat of all the slices of an axis of one tensor, such as the directions of a recurrent layer: that axis is transposed next to the
       other, and joined with it.
    4. A view of an Expand that only brings axes of size 1: the view comes first, so that what broadcasts anyway can leave the Expand out.
    """

    name = "reshapes"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed = False
        captured = captured_tensors(model)
        producers = model.producers()
        for op in list(model.operators):
            if isinstance(op, Concat):
                changed |= self.joined(model, op, producers)
        for op in list(model.operators):
            if isinstance(op, Reshaping):
                inner = producers.get(op.x)
                if isinstance(inner, Reshaping) and op.y.value is None:
                    self.replaced(model, op, inner.x, producers)
                    changed = True
                elif isinstance(inner, Expand):
                    changed |= self.before_expand(model, op, inner, producers)
            elif isinstance(op, Transpose) and op.y not in captured:
                inner = producers.get(op.x)
                if isinstance(inner, Reshaping) and op.x.layout == "planar":
                    changed |= self.parted(model, op, inner.x, producers)
        return changed and swept(model)

    @staticmethod
    def replaced(model: RModel, op: ROperator, x: Tensor, producers: dict[Tensor, ROperator]) -> None:
        """A view of `x` in the place of a view of a view of it."""
        view = reshape_to(op.name, x, op.y)
        model.operators[model.operators.index(op)] = view
        producers[op.y] = view

    @staticmethod
    def parted(model: RModel, op: Transpose, x: Tensor, producers: dict[Tensor, ROperator]) -> bool:
        """Transposes the axes of `x`, as fine as both it and the view of it need them."""
        factors = refinement(x.shape, op.x.shape)
        joined = None if factors is None else runs_of(factors, op.x.shape)
        if factors is None or joined is None or all(len(run) <= 1 for run in joined):
            return False
        order = [axis for place in op.order(op.x) for axis in joined[place]]
        y = op.y
        fine = reshape_to(f"{op.title()} parted", x, model.new_tensor(f"{x.name}_parted", Type(x.dtype, factors)))
        parted = model.new_tensor(f"{y.name}_parted", Type(x.dtype, tuple(factors[axis] for axis in order)))
        turned = Transpose.make(op.name, perm=order).between([fine.y], [parted])
        whole = reshape_to(f"{op.title()} joined", turned.y, y)
        added: list[ROperator] = [fine, turned, whole]
        if factors == x.shape:
            turned.inputs = [x]
            added = [turned, whole]
        place = model.operators.index(op)
        model.operators[place : place + 1] = added
        producers.update({made.y: made for made in added})
        return True

    @staticmethod
    def joined(model: RModel, op: Concat, producers: dict[Tensor, ROperator]) -> bool:
        """Transposes and joins an axis whose slices are put one behind the other."""
        parts = [trace(tensor, producers) for tensor in op.inputs if tensor is not None]
        root, at, count = parts[0][0], op.place(), len(parts)
        if count < 2 or root.rank != op.y.rank + 1 or any(other is not root for other, _ in parts) or op.y.value is not None:
            return False
        found = whole(root)
        for axis, size in enumerate(root.shape):
            if size != count or any(view != found.cut(axis, i, 1).without(axis) for i, (_, view) in enumerate(parts)):
                continue
            order = [other for other in range(root.rank) if other != axis]
            order.insert(at, axis)
            shape = tuple(root.shape[other] for other in order)
            apart = model.new_tensor(f"{op.y.name}_apart", Type(op.y.dtype, shape))
            turned = Transpose.make(f"{op.title()} side by side", perm=order).between([root], [apart])
            view = reshape_to(op.name, turned.y, op.y)
            place = model.operators.index(op)
            model.operators[place : place + 1] = [turned, view]
            producers.update({turned.y: turned, view.y: view})
            return True
        return False

    @staticmethod
    def before_expand(model: RModel, op: ROperator, expand: Expand, producers: dict[Tensor, ROperator]) -> bool:
        """Brings axes of size 1 before others are repeated."""
        small = [*[1] * (expand.y.rank - expand.x.rank), *expand.x.shape]
        sizes = iter(zip(expand.y.shape, small, strict=True))
        shape: list[Size] = []
        for size in op.y.shape:
            if size == 1:
                shape.append(1)
                continue
            found = next((pair for pair in sizes if pair[0] != 1), None)
            if found is None or found[0] != size:
                return False
            shape.append(found[1])
        if any(size != 1 for size, _ in sizes) or op.y.value is not None:
            return False
        view = reshape_to(op.name, expand.x, model.new_tensor(f"{op.y.name}_small", Type(op.y.dtype, tuple(shape))))
        whole_shape = model.new_constant("shape", of_sizes(op.y.shape, int64), int64)
        repeated = Expand.make(expand.name).between([view.y, whole_shape], [op.y])
        place = model.operators.index(op)
        model.operators[place : place + 1] = [view, repeated]
        producers.update({view.y: view, op.y: repeated})
        return True
