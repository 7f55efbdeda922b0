"""SOFIE's parsers: of ONNX, Keras and PyTorch files. Those of frameworks convert at once, with the framework's own answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.errors import SofieError, UnsupportedModel
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.normalize import normalize, read
from onnx_bridge.pipeline import check, convert
from onnx_bridge.sofie.rmodel import RModel, batch_numbers
from onnx_bridge.sofie.values import ETensorType, numpy_type


def model_name(path: Path) -> str:
    """SOFIE's name of a file's model: the file's up to its last '.', which `RModel.GetName` cleans."""
    return path.name.rpartition(".")[0] or path.name


class RModelParser_ONNX:
    """Reads ONNX files."""

    def Parse(self, filename: Any, verbose: bool = False) -> RModel:
        """Reads a file, and looks whether all of it can be converted.

        Raises:
            InvalidModel: it cannot be read.
            UnsupportedModel: with everything that stands in the way.
        """
        path = _existing(filename)
        findings = check(path)
        if findings:
            raise UnsupportedModel(findings)
        normal, notes = normalize(read(path).model)
        if verbose:
            for note in notes:
                print(note)
        return RModel.parsed(model_name(path), path, normal, None, True)

    def CheckModel(self, filename: Any, verbose: bool = False) -> bool:
        """Whether a file can be converted; prints what stands in the way."""
        findings = check(_existing(filename))
        for finding in findings:
            print(finding)
        return not findings

    def GetRegisteredOperators(self) -> list[str]:
        """The operators of ONNX that are known, by name."""
        return sorted(name for domain, name in REGISTRY if domain == "")

    def IsRegisteredOperator(self, name: str) -> bool:
        return ("", str(name)) in REGISTRY

    def RegisterOperator(self, name: str, func: object = None) -> None:
        """Refused.

        Raises:
            SofieError: always.
        """
        raise SofieError(f"TMVA-SOFIE: the operator {name} is declared by onnx_bridge.custom_op('domain::{name}', ...), not registered")


class PyKeras:
    """Reads files of Keras 2 and 3."""

    @staticmethod
    def Parse(filename: Any, batch_size: int = 1, *, verify: bool = True, trusted: bool = False) -> RModel:
        """Converts a .keras or .h5 file.

        Args:
            filename: the file.
            batch_size: the batch, where the model leaves it open; 1 for a number below 1, as in SOFIE.
            verify: compile the header and compare it with Keras and onnxruntime.
            trusted: whether the file may run code of its own (Lambda layers).

        Raises:
            ExportError: Keras' exporter refuses the model, or is not installed.
            UnsupportedModel, InvalidModel, VerificationError: as `convert` does.
        """
        path = _existing(filename)
        numbers = partial(batch_numbers, max(1, int(batch_size)))
        made = convert(path, name=RModel(model_name(path)).GetName(), dims=numbers, verify=verify, trusted=trusted)
        return RModel.parsed(model_name(path), made.normal, made.normal, made, verify)


class PyTorch:
    """Reads files of PyTorch: TorchScript, and programs of torch.export."""

    @staticmethod
    def Parse(filename: Any, input_shapes: Iterable[Iterable[int]], input_dtypes: Iterable[Any] = (), *, verify: bool = True) -> RModel:
        """Converts a .pt or .pt2 file for inputs of fixed shapes.

        Args:
            filename: the file.
            input_shapes: the sizes of each input.
            input_dtypes: the element type of each, ETensorType.FLOAT where nothing is said.
            verify: compile the header and compare it with PyTorch and onnxruntime.

        Raises:
            ExportError: PyTorch's exporters refuse the model, or are not installed.
            UnsupportedModel, InvalidModel, VerificationError: as `convert` does.
        """
        path = _existing(filename)
        shapes = [tuple(int(size) for size in shape) for shape in input_shapes]
        kinds = [numpy_type(ETensorType(int(kind))) for kind in input_dtypes] or [np.dtype("float32")] * len(shapes)
        if len(kinds) != len(shapes):
            raise SofieError(f"TMVA-SOFIE: PyTorch.Parse: {len(kinds)} element types for {len(shapes)} inputs")
        examples = tuple(_drawn(shape, kind) for shape, kind in zip(shapes, kinds, strict=True))
        fixed: dict[str | int, dict[int, str]] = {index: {} for index in range(len(shapes))}
        made = convert(path, name=RModel(model_name(path)).GetName(), example_inputs=examples, dynamic=fixed, verify=verify)
        return RModel.parsed(model_name(path), made.normal, made.normal, made, verify)


class RSofieReader:
    """A model that is converted, compiled and called: what ROOT's RSofieReader does in C++, in Python.

    Args:
        path: an ONNX, Keras or PyTorch file.
        inputShapes: the sizes of each input, for a PyTorch file.
        verbose: print what was compared.
    """

    def __init__(self, path: Any, inputShapes: Sequence[Sequence[int]] = (), verbose: bool = False) -> None:
        file = Path(str(path))
        if file.suffix in (".pt", ".pt2"):
            model = PyTorch.Parse(file, inputShapes)
        elif file.suffix in (".keras", ".h5"):
            model = PyKeras.Parse(file)
        else:
            model = RModelParser_ONNX().Parse(file)
            model.Initialize(1)
        self._conversion = model.conversion
        if verbose:
            print(self._conversion.report)
        self._net = self._conversion.compile()

    def Compute(self, *x: Any) -> list[float]:
        """The numbers of the first output, for the numbers of each input: lists or arrays of any shape with as many elements.

        Raises:
            SofieError: there are more or fewer inputs or numbers.
        """
        inputs = self._conversion.emitted.inputs
        if len(x) != len(inputs):
            raise SofieError(f"TMVA-SOFIE: Compute: the model has {len(inputs)} input{'s' * (len(inputs) != 1)}, got {len(x)}")
        arrays = []
        for value, tensor in zip(x, inputs, strict=True):
            array, shape = np.asarray(value, tensor.dtype.numpy), tuple(int(str(size)) for size in tensor.shape)
            if array.size != math.prod(shape):
                raise SofieError(f"TMVA-SOFIE: Compute: input {tensor.name} has {math.prod(shape)} numbers {shape}, got {array.size}")
            arrays.append(array.reshape(shape))
        found = self._net.run({tensor.name: array for tensor, array in zip(inputs, arrays, strict=True)})
        return [float(number) for number in found[0].reshape(-1)]


def _existing(filename: Any) -> Path:
    path = Path(str(filename))
    if not path.exists():
        raise SofieError(f"TMVA-SOFIE: there is no file {path}")
    return path


def _drawn(shape: tuple[int, ...], kind: np.dtype[Any]) -> np.ndarray:
    """An example input; integers are zeros, which are indices of anything."""
    if kind.kind != "f":
        return np.zeros(shape, kind)
    return np.random.default_rng(0).normal(size=shape).astype(kind)
