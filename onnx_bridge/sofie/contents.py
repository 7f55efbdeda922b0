"""What is in an RModel, by SOFIE's calls: names, shapes, types, numbers, and printing them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_bridge.errors import SofieError
from onnx_bridge.sofie import shown
from onnx_bridge.sofie.graph import Graph, Info, infos, pinned
from onnx_bridge.sofie.values import Clean_name, Dim, ETensorType, numpy_type, type_of_template


def print_text(text: str) -> None:
    """Prints text, with a line's end behind it."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


class Templated:
    """A method with a template argument: `model.AddInitializedTensor["float"](...)`, or without it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self.__doc__ = function, function.__doc__

    def __get__(self, model: Any, owner: type) -> _Bound:
        return _Bound(partial(self._function, model))


class _Bound:
    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(None, *arguments)

    def __getitem__(self, argument: Any) -> Callable[..., Any]:
        return partial(self._function, type_of_template(argument))


class Contents:
    """The half of an RModel that is asked."""

    def __init__(self) -> None:
        self._graph = Graph()
        self._normal: onnx.ModelProto | None = None  # what was parsed, in normal form; None for a model that is built by hand
        self._pins: Any = None  # numbers for open sizes, or what tells them from the shapes of the inputs

    def GetTensorShape(self, name: str) -> list[int]:
        """The sizes of a tensor.

        Raises:
            SofieError: there is no such tensor, or a size is open.
        """
        shape = self._info(name).shape
        if any(size.isParam for size in shape):
            raise SofieError(f"TMVA-SOFIE: the tensor {name!r} has sizes that are open; GetDynamicTensorShape tells them")
        return [size.dim for size in shape]

    def GetDynamicTensorShape(self, name: str) -> list[Dim]:
        return self._info(name).shape

    def GetTensorType(self, name: str) -> ETensorType:
        return self._info(name).type

    def GetInitializedTensorData(self, tensor_name: str) -> np.ndarray:
        """A copy of a constant's numbers, in its shape."""
        return self._constants()[self._constant(tensor_name)].copy()

    def _get_tensor_data(self, kind: ETensorType | None, name: str) -> np.ndarray:
        """A constant's numbers, one after the other."""
        data = self.GetInitializedTensorData(name).reshape(-1)
        if kind is not None and data.dtype != numpy_type(kind):
            raise SofieError(f"TMVA-SOFIE: the tensor {name!r} is of {data.dtype}, not of {numpy_type(kind)}")
        return data

    GetTensorData = Templated(_get_tensor_data)

    def CheckIfTensorAlreadyExist(self, tensor_name: str) -> bool:
        return Clean_name(tensor_name) in self._tensors()

    def IsInitializedTensor(self, name: str) -> bool:
        return Clean_name(name) in self._constants()

    IsConstantTensor = IsInitializedTensor

    def IsDynamicTensor(self, name: str) -> bool:
        found = self._tensors().get(Clean_name(name))
        return found is not None and Clean_name(name) not in self._inputs() and any(size.isParam for size in found.shape)

    def IsDimInputTensor(self, name: str) -> bool:
        found = self._inputs().get(Clean_name(name))
        return found is not None and any(size.isParam for size in found.shape)

    def IsReadyInputTensor(self, name: str) -> bool:
        return Clean_name(name) in self._inputs() and not self.IsDimInputTensor(name)

    def GetInputTensorNames(self) -> list[str]:
        return list(self._inputs())

    def GetOutputTensorNames(self) -> list[str]:
        if self._normal is None:
            return list(self._graph.outputs)
        return [Clean_name(value.name) for value in self._normal.graph.output]

    def PrintRequiredInputTensors(self) -> None:
        print_text(shown.inputs(self._inputs()))

    def PrintInitializedTensors(self) -> None:
        print_text(shown.constants(self._constants()))

    def PrintIntermediateTensors(self) -> None:
        print_text(shown.between("intermediate", self._between(dynamic=False)))

    def PrintDynamicTensors(self) -> None:
        print_text(shown.between("dynamic", self._between(dynamic=True)))

    def PrintOutputTensors(self) -> None:
        print_text(shown.outputs({name: self._info(name) for name in self.GetOutputTensorNames()}))

    def HeadInitializedTensors(self, name: str, n_print: int = 50) -> None:
        print_text(shown.head(Clean_name(name), self._constants().get(Clean_name(name)), n_print))

    def _inputs(self) -> dict[str, Info]:
        found = self._known()
        if self._normal is None:
            order = dict.fromkeys((*(key for key in self._graph.input_order if key in self._graph.inputs), *self._graph.inputs))
            return {key: found[key] for key in order}
        return {Clean_name(value.name): found[value.name] for value in self._normal.graph.input if value.name in found}

    def _known(self) -> dict[str, Info]:
        """What is known of every tensor, by the names of the model."""
        shapes = {key: info.shape for key, info in self._graph.inputs.items()}
        if self._normal is not None:
            names = {value.name for value in self._normal.graph.input}
            shapes = {key: info.shape for key, info in infos(self._normal).items() if key in names}
        numbers = self._pins
        if callable(numbers):
            numbers = numbers({key: tuple(size.value for size in shape) for key, shape in shapes.items()})
        if self._normal is None:
            return self._graph.infos(numbers)
        return infos(pinned(self._normal, numbers))

    def _constants(self) -> dict[str, np.ndarray]:
        if self._normal is None:
            return self._graph.constants
        return {Clean_name(tensor.name): numpy_helper.to_array(tensor) for tensor in self._normal.graph.initializer}

    def _tensors(self) -> dict[str, Info]:
        return {Clean_name(name): info for name, info in self._known().items()}

    def _between(self, dynamic: bool) -> dict[str, Info]:
        apart = self._inputs().keys() | self._constants().keys()
        found = {name: info for name, info in self._tensors().items() if name not in apart}
        return {name: info for name, info in found.items() if any(size.isParam for size in info.shape) == dynamic}

    def _info(self, name: str) -> Info:
        found = self._tensors().get(Clean_name(name))
        if found is None:
            raise SofieError(f"TMVA-SOFIE: the tensor {name!r} is not found in the model")
        return found

    def _constant(self, name: str) -> str:
        clean = Clean_name(name)
        if clean not in self._constants():
            raise SofieError(f"TMVA-SOFIE: the model has no initialized tensor {name!r}")
        return clean
