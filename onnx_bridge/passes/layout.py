"""Layout: images are blocked by 16 channels through regions of convolutions, planar elsewhere."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.rmodel import RModel, nested_models, read_tensors
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import BLOCK, Tensor
from onnx_bridge.kernel_operators.concat import Concatenation
from onnx_bridge.kernel_operators.convolution import BlockedKernel, Convolution
from onnx_bridge.kernel_operators.group import Group
from onnx_bridge.kernel_operators.layout import FromBlocked, ToBlocked
from onnx_bridge.library.blocked import can_block
from onnx_bridge.library.epilogue import channel_kind, epilogue_operands
from onnx_bridge.library.steps import is_vector
from onnx_bridge.passes.base import Pass


class Layout(Pass):
    """
    1. A Convolution of few channels reads a planar image, every other one a blocked image; all make blocked images.
    2. Poolings make what they are given.
    3. A group of pointwise operators with a blocked operand of its shape is blocked, if its other operands can be.
    4. A Concatenation of blocked tensors along the channels is blocked, if all but the last have whole blocks.
    5. Everything else is planar. A tensor is laid out anew at most once each way, where it is first needed.
    """

    name = "layout"
    takes = gives = Dialect.KERNEL
    optional = False

    def call(self, model: RModel) -> bool:
        if not any(isinstance(op, BlockedKernel) for op in model.operators):
            return False
        self.model, self.operators = model, list[ROperator]()
        self.other: dict[Tensor, Tensor] = {}
        # Outputs, and what the bodies of control flow read, are planar.
        self.fixed = {*model.outputs, *(t for op in model.operators if any(nested_models(op)) for t in read_tensors(op))}
        for op in model.operators:
            if isinstance(op, BlockedKernel):
                self.kernel(op)
            elif op.follows_layout and self.is_blocked(op.x) and not op.wants(1):
                op.inputs[0] = self.blocked(op.x)
                self.made_blocked(op)
            elif isinstance(op, Group) and self.group(op):
                op.inputs = [t if t is None or can_block(t, op.y) and not self.is_blocked(t) else self.blocked(t) for t in op.inputs]
                self.rename(op)
                self.made_blocked(op)
            elif isinstance(op, Concatenation) and self.concat(op):
                op.inputs = [self.blocked(t) for t in op.inputs if t is not None]
                self.made_blocked(op)
            else:
                self.plain(op)
        model.operators = self.operators
        for tensor in model.outputs:
            assert tensor.layout == "planar"
        return True

    def is_blocked(self, tensor: Tensor) -> bool:
        """Whether a blocked form of a tensor is there."""
        return tensor.layout == "blocked" or (tensor in self.other and self.other[tensor].layout == "blocked")

    def blocked(self, tensor: Tensor) -> Tensor:
        return self.form(tensor, "blocked")

    def planar(self, tensor: Tensor) -> Tensor:
        return self.form(tensor, "planar")

    def form(self, tensor: Tensor, layout: str) -> Tensor:
        """A tensor in a layout; what lays it out is put here if it is not there yet."""
        if tensor.layout == layout:
            return tensor
        if tensor not in self.other:
            op = (ToBlocked if layout == "blocked" else FromBlocked)(name=f"{tensor.name} {layout}")
            made = self.model.new_tensor(f"{tensor.name}_{layout}", tensor.type, layout=layout)
            op.inputs, op.outputs = [tensor], [made]
            self.operators.append(op)
            self.other[tensor] = made
            self.other[made] = tensor
        return self.other[tensor]

    def made_blocked(self, op: ROperator) -> None:
        """The output of `op` is blocked; if it is an output of the model, a planar form takes its place and name."""
        y = op.y
        self.operators.append(op)
        if y in self.fixed:
            inner = self.model.new_tensor(f"{y.name}_blocked", y.type, layout="blocked")
            op.rename({y: inner})
            back = FromBlocked(name=f"{y.name} planar")
            back.inputs, back.outputs = [inner], [y]
            self.operators.append(back)
            self.other[y], self.other[inner] = inner, y
        else:
            y.layout = "blocked"

    def kernel(self, op: BlockedKernel) -> None:
        x = op.x
        planar = isinstance(op, Convolution) and op.takes_planar() and not self.is_blocked(x)
        renamed = {x: x if planar else self.blocked(x)}
        for tensor in epilogue_operands(op) if op.steps else []:
            if self.is_blocked(tensor) or channel_kind(tensor, op.y) == "blocked":
                renamed[tensor] = self.blocked(tensor)
        op.rename(renamed)
        op.laid_out = True
        self.made_blocked(op)

    def group(self, op: Group) -> bool:
        """Whether a group can run blocked, and has a reason to."""
        y = op.y
        if y.rank < 3 or not is_vector(op.steps) or y.dtype is not float32:
            return False
        tensors = [t for t in op.inputs if t is not None]
        if not any(self.is_blocked(t) and t.shape == y.shape for t in tensors):
            return False
        for tensor in tensors:
            if tensor.dtype is not float32:
                return False
            if tensor.is_constant and tensor.constant().size == 1:
                continue
            if self.is_blocked(tensor):
                if tensor.rank != y.rank or not _fits(tensor, y):
                    return False
            elif not can_block(tensor, y) and (tensor.is_constant or tensor.rank != y.rank or not _fits(tensor, y)):
                return False
        return True

    def rename(self, op: Group) -> None:
        """The steps of a group read what its inputs have become."""
        tensors = {t for step in op.steps for t in step.inputs}
        inputs = [t for t in op.inputs if t is not None]
        renamed = {self.other[t]: t for t in inputs if t in self.other and self.other[t] in tensors and t not in tensors}
        op.rename(renamed)

    def concat(self, op: Concatenation) -> bool:
        tensors = [t for t in op.inputs if t is not None]
        channels = [t.shape[1] for t in tensors if t.rank >= 3]
        return (
            len(channels) == len(tensors)
            and op.y.rank >= 3
            and op.axis == 1
            and op.y.dtype is float32
            and all(self.is_blocked(t) for t in tensors)
            and all(isinstance(c, int) and c % BLOCK == 0 for c in channels[:-1])
        )

    def plain(self, op: ROperator) -> None:
        """An operator that knows planar tensors only."""
        op.rename({t: self.planar(t) for i in op.reads() if (t := op.inputs[i]) is not None and t.layout == "blocked"})
        self.operators.append(op)


def _fits(tensor: Tensor, y: Tensor) -> bool:
    """Whether a blocked tensor can stand beside a blocked output: every axis the same, or one where it repeats along all pixels."""
    pixels = tensor.shape[2:] == y.shape[2:] or all(size == 1 for size in tensor.shape[2:])
    return pixels and tensor.shape[1] == y.shape[1] and tensor.shape[0] in (1, y.shape[0])
