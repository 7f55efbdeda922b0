"""ROperator: one operator of an RModel, and how its class declares it.

A class says once what everybody needs: the ONNX name and the opsets it reads, attributes with ONNX's defaults, the rule for
the outputs' types, optionally the rule for values known at conversion, how it is emitted, the kernels that takes, and its own test cases.
Classes register themselves with `@operator(...)`; nothing is registered in a second place.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import numpy as np

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.ir.writer import Writer as Writer

REQUIRED: Any = object()

#: The opset of an operator that nobody says an opset of: ONNX's newest.
NEWEST_OPSET = 28


#: What attributes of a declared type may be.
_KINDS: dict[str, type | tuple[type, ...]] = {
    "int": int, "float": (int, float), "str": str, "list[int]": list, "list[float]": list, "list[str]": list, "list[Size]": list,
}  # fmt: skip

#: What lists of these types hold.
_ELEMENTS: dict[str, type | tuple[type, ...]] = {"list[int]": int, "list[float]": (int, float), "list[str]": str}


def attribute(default: Any = REQUIRED) -> Any:
    """An ONNX attribute with its default: a value, or `{first opset: value, ...}` where it changed. None: no default, optional."""
    return field(default=None, metadata={"default": default})


Made = TypeVar("Made", bound="ROperator")


@dataclass(eq=False, kw_only=True)
class ROperator:
    """An operator with its inputs and outputs. Optional inputs and outputs that are absent are None."""

    dialect: ClassVar[Dialect] = Dialect.ONNX
    op_type: ClassVar[str] = ""
    domain: ClassVar[str] = ""
    since: ClassVar[int] = 1
    kernels: ClassVar[tuple[str, ...]] = ()
    cases: ClassVar[Sequence[Any]] = ()
    #: The test file that stands in for cases where one node alone says nothing (control flow).
    tested_by: ClassVar[str] = ""
    #: The element types that are computed, an entry an input, the last one for those behind it, too; without entries every type is.
    computes: ClassVar[Sequence[Sequence[DType]]] = ()
    #: Types that are none of those, and which of those they are computed in: inputs are cast to it, outputs back, rounded or truncated.
    widens: ClassVar[Mapping[DType, DType]] = MappingProxyType(dict.fromkeys(dtypes.HALVES, dtypes.float32))
    #: Outputs that have a type of their own where no schema says so: they are not what inputs of the widened type are.
    own_types: ClassVar[Sequence[int]] = ()
    #: Inputs of which the same holds: outputs are not what they are.
    own_inputs: ClassVar[Sequence[int]] = ()
    #: Inputs that are lists of numbers, such as axes and sizes: tensors of rank 1.
    vectors: ClassVar[Sequence[int]] = ()
    #: The output is the first input's memory under another shape.
    is_view: ClassVar[bool] = False
    #: What its kernel computes, pointwise operators behind it may change on the way.
    takes_epilogue: ClassVar[bool] = False
    #: It works on images of either layout, and makes what it is given; without a second output.
    follows_layout: ClassVar[bool] = False
    #: Its `types` asks `size_in` for numbers that decide sizes, which may then be read as the network runs.
    may_read_sizes: ClassVar[bool] = False
    #: Such numbers may be negative, and so may what they are computed from.
    reads_either_sign: ClassVar[bool] = False
    #: Inputs that ONNX wants to be scalars, and for which, as in onnxruntime, any tensor of one element will do.
    scalars: ClassVar[Sequence[int]] = ()
    #: Whether it is the form of an operator for strings, or that for others; None where it is both, or there is one form.
    of_text: ClassVar[bool | None] = None
    #: Whether it makes text, which it puts into the model's memory for that (`text`: its tensor, and the size of what is needed).
    makes_text: ClassVar[bool] = False
    #: Whether its first output is some place in the memory of its first input, which `emit` says by Writer.point.
    points: ClassVar[bool] = False
    #: Whether what it makes stays in memory as long as the network runs.
    lasts: ClassVar[bool] = False
    #: Inputs whose memory the first output may take over where shapes and types agree.
    in_place: ClassVar[tuple[int, ...]] = ()

    name: str = ""
    opset: int = 0
    inputs: list[Tensor | None] = field(default_factory=list)
    outputs: list[Tensor | None] = field(default_factory=list)
    #: Sizes that data decides and that it finds as it runs, by what they are: others depend on it that read none of its outputs.
    found: dict[str, Size] = field(default_factory=dict)
    #: What must hold of the sizes found so far, tested right behind it: sizes that are not negative, and pairs that are equal.
    conditions: list[Size] = field(default_factory=list, repr=False)
    constraints: list[tuple[Size, Size]] = field(default_factory=list, repr=False)
    #: Whether numbers that decide sizes may be read as the network runs: no input of the model can be those sizes.
    reads_sizes: bool = False
    #: Makes a new size of the name that it is given, never above a limit; the walk sets it while it asks for types.
    finder: Callable[[str, Size | None], Size] | None = field(default=None, repr=False)

    text: tuple[Tensor, Size] | None = field(default=None, repr=False)

    @classmethod
    def make(cls: type[Made], name: str = "", opset: int = NEWEST_OPSET, **attributes: Any) -> Made:
        """An operator as ONNX's node with these attributes is one; the others have ONNX's defaults.

        Raises:
            ShapeError: an attribute is unknown or of another kind than the class declares, or a required one is missing.
        """
        op = cls(name=name, opset=opset)
        op.set_attributes(attributes)
        return op

    def between(self: Made, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor | None]) -> Made:
        """The operator itself, with these tensors."""
        self.inputs, self.outputs = list(inputs), list(outputs)
        return self

    # ---- what a class may say

    def types(self, *inputs: Any) -> Type | Sequence[Type | None]:
        """The types of the outputs. Raises ShapeError (or UnsupportedForm) with what was expected and found."""
        raise NotImplementedError(type(self).__name__)

    def values(self, *inputs: Any) -> np.ndarray | Sequence[np.ndarray | None] | None:
        """Values known at conversion (numbers, or Sizes in an object array), or None. Called after `types`."""
        return None

    def named(self, outputs: Sequence[str | None]) -> Sequence[str | None]:
        """The names of its outputs, once their types are known: an output of the file may be several."""
        return outputs

    def settled(self) -> None:
        """A last look once inputs and outputs are there. Raises as `types` does."""

    def reads(self) -> Sequence[int]:
        """The inputs that are read at run time: all but those that `types` has turned into sizes."""
        return range(len(self.inputs))

    def does_nothing(self) -> bool:
        """Whether its output is its first input in all respects."""
        return self.is_view and self.x.type == self.y.type

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        """Whether all that it makes is 0 for certain; `zero` tells that of a tensor that it reads."""
        return False

    def row_wise(self) -> Tensor | None:
        """The tensor whose rows (along the last axis) it changes one by one, with constants alike for all; None if it does not."""
        return None

    def scratch_bytes(self) -> Size:
        """Scratch memory that `emit` uses."""
        return 0

    def emit(self, cpp: Writer) -> None:
        """Writes the C++ of this operator, usually one kernel call."""
        raise NotImplementedError(type(self).__name__)

    def takes_layout(self, tensor: Tensor) -> bool:
        """Whether one of its inputs or outputs lies in memory as it reads or writes it."""
        if self.follows_layout and not self.wants(1) and tensor in (self.x, self.y):
            return tensor.layout == self.x.layout
        return tensor.layout == "planar"

    def step_faults(self) -> Iterable[tuple[Tensor, str]]:
        """What contradicts its inputs and outputs in what else it holds: the tensor, and why. Steps do, where it has some."""
        return ()

    def rename(self, new: Mapping[Tensor, Tensor]) -> None:
        """Has other tensors, of the same types, in the place of some: of inputs, outputs and what else it holds."""
        self.inputs = [tensor and new.get(tensor, tensor) for tensor in self.inputs]
        self.outputs = [tensor and new.get(tensor, tensor) for tensor in self.outputs]

    def computed(self, index: int) -> Sequence[DType]:
        """The element types that input `index` may have; `computes`, unless an attribute narrows it."""
        return self.computes[min(index, len(self.computes) - 1)] if self.computes else dtypes.COMPUTED

    # ---- what everybody uses

    def is_own_kernel(self) -> bool:
        """Whether a header executes the operator as it is: `emit` says how, or it is a view and there is nothing to do."""
        return self.is_view or type(self).emit is not ROperator.emit

    def arguments(self, count: int) -> list[Tensor | None]:
        """The inputs, with None for those that are absent, `count` in all."""
        return [*self.inputs, *[None] * (count - len(self.inputs))][:count]

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.input(0)

    @property
    def y(self) -> Tensor:
        """The first output."""
        return self.output(0)

    def input(self, index: int) -> Tensor:
        """An input that must be there."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise ShapeError(f"input {index} is missing")
        return tensor

    def output(self, index: int) -> Tensor:
        """An output that must be there."""
        tensor = self.outputs[index] if index < len(self.outputs) else None
        if tensor is None:
            raise ShapeError(f"output {index} is missing")
        return tensor

    def wants(self, index: int) -> bool:
        """Whether an optional output is used."""
        return index < len(self.outputs) and self.outputs[index] is not None

    def size_in(self, tensor: Tensor, what: str, most: Size) -> Size:
        """The number that a tensor holds: as it is known, else one that is found as the network runs; see `find` and Writer.read_size.

        Raises:
            NeedsValue: it is not known, and may be the value of an input.
        """
        if tensor.value is None and self.reads_sizes:
            return self.find(what, most)
        return tensor.sizes()[0]

    def find(self, what: str, most: Size | None) -> Size:
        """The size called `what`, which data decides: a symbol, the same whenever `types` asks for it, to which `emit` assigns.

        Args:
            what: a word for it.
            most: what it is never above, an expression of the dims, by which memory is planned. None: the caller gives room.
        """
        if what not in self.found:
            if self.finder is None:
                raise UnsupportedForm("data decides the shape of its output, and no such size can be made here")
            self.found[what] = self.finder(f"{self.name} {what}", most)
        return self.found[what]

    def kernel_files(self) -> Sequence[str]:
        """The kernel headers that this very operator needs; `kernels` unless overridden."""
        return self.kernels

    def tiled_rows(self) -> Sequence[tuple[int, int, Size]] | None:
        """The rows that its kernel cuts into tiles of conv_tile.hxx: input channels of a block, vectors of outputs, pixels. None: any."""
        return ()

    def title(self) -> str:
        """What the operator is called in listings: its node name, or its type."""
        return self.name or self.op_type

    @classmethod
    @functools.cache
    def attributes(cls) -> Mapping[str, dataclasses.Field[Any]]:
        """The ONNX attributes of this class."""
        return MappingProxyType({f.name: f for f in dataclasses.fields(cls) if "default" in f.metadata})

    def set_attributes(self, given: Mapping[str, Any]) -> None:
        """Sets attributes from an ONNX node; defaults are those of `self.opset`.

        Raises:
            UnsupportedForm: an attribute is unknown.
            ShapeError: one is of another kind than the class declares, or a required one is missing.
        """
        known = self.attributes()
        for name in given:
            if name not in known:
                raise UnsupportedForm(f"attribute {name!r} is not known (known: {', '.join(known) or 'none'})")
        for name, declared in known.items():
            default = declared.metadata["default"]
            if name in given:
                value = given[name]
                spelled = str(declared.type).removesuffix(" | None")
                elements = value if isinstance(value, list) and spelled in _ELEMENTS else []
                if not (isinstance(value, _KINDS.get(spelled, object)) and all(isinstance(v, _ELEMENTS[spelled]) for v in elements)):
                    raise ShapeError(f"attribute {name!r} must be of the type {declared.type}, got {value!r:.80}")
            elif default is REQUIRED:
                raise ShapeError(f"attribute {name!r} is missing")
            elif isinstance(default, dict):
                value = next((default[first] for first in sorted(default, reverse=True) if first <= self.opset), None)
            else:
                value = default
            setattr(self, name, value)

    @classmethod
    @functools.cache
    def formal_inputs(cls) -> tuple[Sequence[inspect.Parameter], bool]:
        """The inputs as `types` names them, and whether more of them may follow."""
        parameters = list(inspect.signature(cls.types).parameters.values())[1:]
        single = tuple(p for p in parameters if p.kind is not inspect.Parameter.VAR_POSITIONAL)
        return single, len(single) < len(parameters)

    def check_inputs(self) -> None:
        """Holds the inputs against what `types` and `computes` declare: how many, which must be there, of which element types."""
        formal, more = self.formal_inputs()
        if len(self.inputs) > len(formal) and not more:
            raise ShapeError(f"{len(self.inputs)} inputs are given, at most {len(formal)} are taken")
        names = [p.name for p in formal]
        for index, (parameter, tensor) in enumerate(zip(formal, self.arguments(len(formal)), strict=True)):
            if tensor is None and parameter.default is inspect.Parameter.empty and "None" not in str(parameter.annotation):
                raise ShapeError(f"input {index} ({parameter.name}) is missing")
        for index, tensor in enumerate(self.inputs):
            if tensor is not None and tensor.dtype not in self.computed(index):
                what = f"{index} ({names[index]})" if index < len(names) else str(index)
                accepted = ", ".join(map(str, self.computed(index)))
                raise UnsupportedForm(f"input {what} is of type {tensor.dtype}, which is not supported; it may be {accepted}")
            if tensor is not None and index in self.vectors and tensor.rank != 1:
                raise ShapeError(f"input {index} must be a list of numbers, of rank 1, got {tensor.type}")

    def infer(self) -> tuple[list[Type | None], list[np.ndarray | None]]:
        """The outputs' types and known values, one each.

        Raises:
            UnsupportedForm: an input or an output has a type that is not computed.
            ShapeError: an input that must be there is missing, or what `types` raises.
        """
        types = self.infer_types()
        for type_ in types:
            if type_ is not None and not type_.dtype.is_taken:
                raise UnsupportedForm(f"its output would be of type {type_.dtype}, which is not supported")
        values: Any = self.values(*self.inputs)
        values = [values] if values is None or isinstance(values, np.ndarray) else list(values)
        return types, values + [None] * (len(types) - len(values))

    def infer_types(self) -> list[Type | None]:
        """The outputs' types alone. May be asked again at any time, and gives the same.

        Raises:
            UnsupportedForm, ShapeError: as `infer` does.
        """
        self.check_inputs()
        types = self.types(*self.inputs)
        return [types] if isinstance(types, Type) else list(types)


@dataclass(eq=False, kw_only=True)
class KernelOperator(ROperator):
    """An operator of the kernels' dialect."""

    dialect = Dialect.KERNEL
    computes = ((*dtypes.STORED, dtypes.string),)


class UnsupportedForm(ShapeError):
    """A form of a known operator that is not supported; the message says which."""


OperatorClass = TypeVar("OperatorClass", bound=type[ROperator])

#: Every operator class by (domain, ONNX name); filled by `operator`.
REGISTRY: dict[tuple[str, str], list[type[ROperator]]] = {}


def operator(op_type: str, *, domain: str = "", since: int = 1) -> Callable[[OperatorClass], OperatorClass]:
    """Registers a class as the operator `op_type` of `domain`, from opset `since` on."""

    def register(cls: OperatorClass) -> OperatorClass:
        cls = dataclass(eq=False, kw_only=True)(cls)  # type: ignore[assignment]
        cls.op_type, cls.domain, cls.since = op_type, domain, since
        REGISTRY.setdefault((domain, op_type), []).append(cls)
        return cls

    return register


def find(op_type: str, domain: str, opset: int, text: bool = False) -> type[ROperator] | None:
    """The class that reads `op_type` as it is in `opset`, or None; `text` says whether an input is one of strings."""
    classes = [cls for cls in REGISTRY.get((domain, op_type), []) if cls.since <= opset]
    classes = [cls for cls in classes if cls.of_text in (None, text)] or classes
    return max(classes, key=lambda cls: (cls.of_text is text, cls.since), default=None)
