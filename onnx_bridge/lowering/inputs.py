"""The inputs of a graph in one attempt to lower it: their types, and whose values are sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from onnx_bridge.errors import InvalidModel
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import InputValue, RModel
from onnx_bridge.ir.roperator import UnsupportedForm
from onnx_bridge.ir.tensor import NeedsConstant, NeedsValue, ShapeError, Tensor, of_either_sign
from onnx_bridge.lowering.declared import Declared, element_type, is_few, value_type
from onnx_bridge.lowering.ends import add_input


class Refused(Exception):
    """An input that no header can take: why, and what to do about it."""

    def __init__(self, why: str, advice: str = "") -> None:
        self.why, self.advice = why, advice
        super().__init__(why)


@dataclass
class Inputs:
    """How the inputs are read in an attempt.

    Attributes:
        declared: what the file says of them.
        bindings: symbols that are replaced.
        valued: integer inputs of few elements whose values are sizes.
        signed: those of the sizes which may be negative.
    """

    declared: Declared
    bindings: Mapping[str, Size]
    valued: set[str]
    signed: set[str] = field(default_factory=set)

    def add(self, value: onnx.ValueInfoProto, rmodel: RModel) -> None:
        """Adds an input to a model.

        Raises:
            Refused: with what is wrong.
        """
        try:
            if value.type.WhichOneof("value") != "tensor_type":
                add_input(value.name, value_type(value.type), rmodel, self.declared.names)
                return
            dtype = element_type(value.type.tensor_type.elem_type)
        except UnsupportedForm as error:
            raise Refused(str(error)) from None
        except InvalidModel as error:
            raise Refused(f"{value.name!r}: {error}") from None
        if not value.type.tensor_type.HasField("shape"):
            advice = "export the model with input shapes; single dims may be symbolic"
            raise Refused(f"{value.name!r} has no shape, not even a rank", advice)
        shape = tuple(dims.substitute(size, self.bindings) for size in self.declared.shape(value))
        tensor = rmodel.add_input_tensor_info(value.name, dtype, shape)
        if value.name in self.valued:
            self._make_sizes(value, tensor, rmodel)
        try:
            tensor.type.check_bytes()
        except ShapeError as error:
            raise Refused(f"{value.name!r}: {error}") from None

    def _make_sizes(self, value: onnx.ValueInfoProto, tensor: Tensor, rmodel: RModel) -> None:
        """Gives an input the sizes as its value that its elements are."""
        names = self.declared.values(value, tensor.shape)
        is_float = tensor.dtype.is_float
        sizes = [dims.substitute(dims.symbol(name, is_float or name in self.signed), self.bindings) for name in names]
        flat = np.empty(len(sizes), dtype=object)
        flat[:] = sizes
        known = all(isinstance(size, int) for size in sizes)
        shape = tuple(dims.evaluate(size, {}) for size in tensor.shape)
        if is_float:
            tensor.fixed = tuple(sizes)
        else:
            tensor.value = (flat.astype(tensor.dtype.numpy) if known else flat).reshape(shape)
        rmodel.input_values[value.name] = tuple(sizes)
        for index, (name, size) in enumerate(zip(names, sizes, strict=True)):
            if dims.symbols(size) == {name}:
                rmodel.symbols.append(name)
                rmodel.symbol_inputs[name] = InputValue(value.name, index, is_float or name in self.signed, is_float)

    def deciding(self, needs: NeedsValue, rmodel: RModel, sources: Mapping[str, set[str]]) -> list[str]:
        """The inputs of few integers that a tensor was computed from and whose values are no sizes yet.

        The tensor itself, if it is one; else the only one of them that is a single integer, and if that is not enough, all.
        """
        tensor = needs.tensor
        if needs.fixed and tensor.name not in self.valued and tensor in rmodel.inputs and is_few(tensor, floats=True):
            return [tensor.name]
        few = [source for source in rmodel.inputs if source.name in sources.get(tensor.name, set()) and is_few(source)]
        single = [source.name for source in few if source.count == 1]
        for names in ([source.name for source in few if source.name == tensor.name], single if len(single) == 1 else []):
            if names and not self.valued.issuperset(names):
                return names
        return [source.name for source in few if source.name not in self.valued]

    def sign(self, tensor: Tensor, rmodel: RModel, sources: Mapping[str, set[str]]) -> None:
        """Has the inputs be of either sign that are sizes and that a tensor was computed from, which is read as the network runs.

        Raises:
            Signed: one of them is not yet.
        """
        for name, value in rmodel.symbol_inputs.items():
            if value.source in sources.get(tensor.name, ()):
                of_either_sign(dims.symbol(name, value.signed))

    def advice(self, needs: NeedsConstant, sources: Mapping[str, set[str]]) -> str:
        """What to do where the numbers of a tensor must be known that a few integers of the inputs decide."""
        reached = sources.get(needs.tensor.name, set())
        names = [name for value in self.declared.inputs if value.name in reached for name in self.declared.value_names(value)]
        return f"give it by dims={{{', '.join(f'{name!r}: a number' for name in names)}}}" if names else ""

    def unsigned(self, rmodel: RModel) -> Iterator[str]:
        """The sizes that are values of inputs and taken not to be negative."""
        return (name for name, value in rmodel.symbol_inputs.items() if not value.signed)
