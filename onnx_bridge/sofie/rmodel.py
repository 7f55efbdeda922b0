"""SOFIE's RModel: what is parsed or built by hand, shown, generated and written. All of it goes the one way, through `convert`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.header import Emitted, emit
from onnx_bridge.emit.names import Naming
from onnx_bridge.errors import SofieError
from onnx_bridge.pipeline import convert
from onnx_bridge.sofie.contents import Contents, Templated, print_text
from onnx_bridge.sofie.graph import Graph, Info
from onnx_bridge.sofie.roperator import ROperator
from onnx_bridge.sofie.values import (
    REFUSED_OPTIONS,
    Clean_name,
    ConvertShapeToLength,
    ETensorType,
    OptimizationLevel,
    Options,
    dim_of,
    numpy_type,
    type_of_template,
)

#: The sizes that a batch size is for, where a model has one that is called so; else it is for the leading ones.
BATCH_NAMES = ("input_size", "batch_size", "bs")

_FILE = re.compile(r"[A-Za-z0-9_.+ -]+")


class RModel(Contents):
    """A network by SOFIE's calls.

    Args:
        name: what namespaces and files are called, cleaned as SOFIE does.
        parsedtime: SOFIE's time of parsing, which stands nowhere: headers of one model are the same.
    """

    def __init__(self, name: str = "UnnamedModel", parsedtime: str = "") -> None:
        super().__init__()
        self._name = name
        self._source: Any = None  # what was parsed: a path or an ONNX model; None for a model that is built by hand
        self._conversion: Conversion | None = None
        self._options: Options | None = None  # those that Generate was called with
        self._verify = True
        self._headers: dict[tuple[Naming, bool, bool], Emitted] = {}  # the last one that was made

    @classmethod
    def parsed(cls, name: str, source: Any, normal: onnx.ModelProto, conversion: Conversion | None, verify: bool) -> RModel:
        """What a parser returns: an ONNX file, or the conversion of a framework's."""
        made = cls(name)
        made._source, made._normal, made._conversion, made._verify = source, normal, conversion, verify
        return made

    # ---- building by hand

    def AddInputTensorInfo(self, input_name: str, type: Any, shape: Sequence[Any]) -> None:
        """Declares an input; a size that is given when the network runs is a Dim with a name, or its name."""
        name = self._new(input_name)
        self._graph.inputs[name] = Info(_type(type), [dim_of(size) for size in shape])

    def AddInputTensorName(self, name: str) -> None:
        """Says that an input comes next among the arguments of infer."""
        self._by_hand().input_order.append(Clean_name(name))

    def _add_initialized_tensor(self, kind: ETensorType | None, tensor_name: str, *rest: Any) -> None:
        """Adds a constant: (name, type, shape, data), or with a template argument (name, shape, data)."""
        if kind is None and len(rest) == 3:
            kind, rest = _type(rest[0]), rest[1:]
        if len(rest) != 2:
            raise SofieError(
                "TMVA-SOFIE: AddInitializedTensor(name, type, shape, data), or AddInitializedTensor['float'](name, shape, data)"
            )
        name = self._new(tensor_name)
        self._graph.constants[name] = _array(name, kind, rest[0], rest[1])

    AddInitializedTensor = Templated(_add_initialized_tensor)
    AddConstantTensor = Templated(_add_initialized_tensor)

    def UpdateInitializedTensor(self, tensor_name: str, type: Any, shape: Sequence[int], data: Any) -> None:
        """Gives a constant another value."""
        name = self._constant(tensor_name)
        self._by_hand().constants[name] = _array(name, _type(type), shape, data)

    def SetNotWritableInitializedTensor(self, tensor_name: str) -> None:
        """Nothing: a constant that is a shape is never in the weights file."""
        self._constant(tensor_name)

    def AddIntermediateTensor(self, tensor_name: str, type: Any, shape: Sequence[Any]) -> None:
        """Says what an intermediate tensor is; operators tell it themselves, so this need not be called."""
        name = self._new(tensor_name)
        self._graph.declared[name] = Info(_type(type), [dim_of(size) for size in shape])

    AddDynamicTensor = AddIntermediateTensor

    def AddOperator(self, op: ROperator, order_execution: int = -1) -> None:
        """Adds an operator at the end, or at a place."""
        if not isinstance(op, ROperator):
            raise SofieError(f"TMVA-SOFIE: AddOperator takes an operator, such as ROperator_Relu['float']('x', 'y'), not {op!r}")
        operators = self._by_hand().operators
        operators.insert(order_execution if order_execution >= 0 else len(operators), op)

    AddOperatorReference = AddOperator

    def AddOutputTensorNameList(self, output_tensor_names: Iterable[str]) -> None:
        """Declares the outputs, in order."""
        names = [output_tensor_names] if isinstance(output_tensor_names, str) else output_tensor_names
        self._by_hand().outputs = [Clean_name(name) for name in names]

    def UpdateOutputTensorList(self, curr_output_tensor: Iterable[str], modify_output_tensor: Iterable[str]) -> None:
        """Declares other outputs in the place of those there are."""
        if [Clean_name(name) for name in curr_output_tensor] == self._by_hand().outputs:
            self.AddOutputTensorNameList(modify_output_tensor)

    def AddBlasRoutines(self, routines: Iterable[str]) -> None:
        """Nothing: a header needs no BLAS."""

    def AddNeededStdLib(self, libname: str) -> None:
        """Nothing: a header includes what it needs."""

    def AddNeededCustomHeader(self, filename: str) -> None:
        """Refused: a header stands alone.

        Raises:
            SofieError: always.
        """
        raise SofieError(f"TMVA-SOFIE: the generated header includes nothing of others, so not {filename}; see onnx_bridge.custom_op")

    # ---- the model's name and files

    def SetFilename(self, filename: str) -> None:
        """Calls the model otherwise."""
        self._name, self._options = filename, None
        if self._source is None or isinstance(self._source, Path):
            self._conversion = None

    def GetFilename(self) -> str:
        return self._name

    def GetName(self) -> str:
        """The name in `TMVA_SOFIE_<name>`."""
        name = Clean_name(self._name)
        if not name:
            raise SofieError(f"TMVA-SOFIE: {self._name!r} has no letter or digit that a namespace could be called by")
        return name

    def SetOptimizationLevel(self, optim_level: Any) -> None:
        """kExtended is what there is.

        Raises:
            SofieError: kBasic, in which intermediate tensors share no memory.
        """
        if optim_level is not OptimizationLevel.kExtended:
            raise SofieError("TMVA-SOFIE: the memory of intermediate tensors is always shared; leave SetOptimizationLevel out")

    # ---- generating

    def Initialize(self, batchSize: int | Mapping[str, int] = -1, verbose: bool = False) -> None:
        """Gives numbers for sizes that the model leaves open: a batch size, or numbers by name. Without it they stay open.

        A batch size is for the sizes that are called input_size, batch_size or bs; where there are none, for the leading one of each input.
        """
        if isinstance(batchSize, Mapping):
            self._pin({str(key): int(number) for key, number in batchSize.items()})
        elif batchSize > 0:
            self._pin(partial(batch_numbers, batchSize))

    def Generate(
        self, options: int = Options.kDefault, batchSize: int = -1, pos: int = 0, verbose: bool = False, *, verify: bool = True
    ) -> None:
        """Converts the model: the header is made, compiled, and compared with onnxruntime.

        Args:
            options: of Options, joined by |.
            batchSize: as for Initialize.
            pos: SOFIE's place in a file of weights that others share; only 0 has a meaning here.
            verbose: print what was compared.
            verify: compile and compare; False is the only way to get a header that was not compared.

        Raises:
            SofieError: an option that no header can serve, or what was added contradicts itself.
            UnsupportedModel, InvalidModel, VerificationError: as `convert` does.
        """
        asked = Options(int(options))
        for option, why in REFUSED_OPTIONS.items():
            if option in asked:
                raise SofieError(f"TMVA-SOFIE: Options.{option.name}: {why}")
        if Options.kNoSession in asked and Options.kNoWeightFile not in asked:
            raise SofieError("TMVA-SOFIE: Options.kNoSession needs kNoWeightFile, too: without a Session nothing reads a file")
        if pos:
            raise SofieError(
                "TMVA-SOFIE: pos must be 0: each model has a weights file of its own; OutputGenerated(file, True) shares a header"
            )
        self.Initialize(batchSize)
        self._options, self._headers, self._verify = asked, {}, self._verify and verify
        conversion = self._converted()
        if verbose:
            print_text(str(conversion.report))

    def OutputGenerated(self, filename: Any = "", append: bool = False) -> None:
        """Writes the header, and its weights beside it with another suffix.

        Args:
            filename: the header's path; NAME.hxx in the working directory if it is empty.
            append: write behind the models that are in the file. Such a header has its weights in it.

        Raises:
            SofieError: nothing was generated, or the name cannot be a file's in C++ text.
        """
        path = Path(str(filename) or f"{self.GetName()}.hxx")
        path.parent.mkdir(parents=True, exist_ok=True)
        if append and path.exists():
            text = self._emitted(path.name, embedded=True).header
            guarded = f"\n#if !defined(ONNX_BRIDGE_SELF)  // not again where a model above includes this file\n{text}#endif\n"
            with path.open("a", encoding="ascii", newline="\n") as file:
                file.write(guarded)
        else:
            self._emitted(path.name).write(path.parent)

    def ReturnGenerated(self) -> str:
        """The header's text."""
        return self._emitted().header

    def PrintGenerated(self) -> None:
        """Prints the header."""
        print_text(self.ReturnGenerated())

    def WriteInitializedTensorsToFile(self, filename: Any = "") -> int:
        """Writes the weights alone; returns their bytes."""
        emitted = self._emitted()
        with Path(str(filename) or emitted.naming.weights).open("wb") as file:
            emitted.weights.write(file)
        return emitted.weights.bytes

    @property
    def conversion(self) -> Conversion:
        """What `onnx_bridge.convert` made of it: the report, the ONNX model, a callable on numpy arrays."""
        return self._converted()

    def branch(self, outputs: Sequence[str]) -> onnx.GraphProto:
        """The graph of this model as a branch of an If."""
        return self._by_hand().branch(outputs)

    # ---- inside

    def _by_hand(self) -> Graph:
        """The graph that calls add to."""
        if self._source is not None:
            raise SofieError(
                f"TMVA-SOFIE: {self._name} was parsed; add what is missing to the ONNX model (onnx.helper), or in the framework"
            )
        self._conversion = self._options = None
        return self._graph

    def _new(self, name: str) -> str:
        """The clean name of a new tensor."""
        graph, clean = self._by_hand(), Clean_name(name)
        if not clean:
            raise SofieError(f"TMVA-SOFIE: {name!r} has no letter or digit that a tensor could be called by")
        if clean in graph.inputs or clean in graph.constants or clean in graph.declared:
            raise SofieError(f"TMVA-SOFIE: the tensor {clean!r} already exists")
        return clean

    def _pin(self, numbers: Any) -> None:
        self._pins = numbers
        if self._conversion is not None and (self._conversion.model.symbols or isinstance(numbers, dict)):
            self._conversion = None  # it has open sizes, or the numbers speak of what it has not

    def _converted(self) -> Conversion:
        if self._conversion is None:
            model = self._source
            if model is None:
                model = self._graph.model(self.GetName())
                self._graph.check_types(model)
            self._conversion = convert(model, name=self.GetName(), dims=self._pins, verify=self._verify)
        return self._conversion

    def _emitted(self, file: str = "", embedded: bool = False) -> Emitted:
        if self._options is None:
            raise SofieError("TMVA-SOFIE: nothing is generated yet, or the model was changed since; call Generate first")
        name = self.GetName()
        file = file or f"{name}.hxx"
        if not _FILE.fullmatch(file):
            raise SofieError(f"TMVA-SOFIE: {file!r} cannot be a header's name: letters, digits, blanks and _.+- can be in one")
        suffix = ".safetensors" if Options.kSafetensorsWeightFile in self._options else ".dat"
        naming = Naming(name, file, f"{Path(file).stem}{suffix}", Options.kNoSession in self._options)
        inside = embedded or Options.kNoWeightFile in self._options
        if (naming, embedded, inside) not in self._headers:
            conversion = self._converted()
            made = emit(conversion.model, weights="header" if inside else "file", self_include=not embedded, naming=naming)
            self._headers = {(naming, embedded, inside): made.with_proof(conversion.report.proof())}
        return self._headers[naming, embedded, inside]


def batch_numbers(number: int, shapes: Mapping[str, tuple[int | str, ...]]) -> dict[str, int]:
    """Numbers for the open sizes that a batch size is for."""
    found = {size for shape in shapes.values() for size in shape}
    named = [name for name in BATCH_NAMES if name in found]
    leading = [shape[0] for shape in shapes.values() if shape and isinstance(shape[0], str) and shape[0].isidentifier()]
    return dict.fromkeys(named or leading, number)


def _type(type: Any) -> ETensorType:
    return type_of_template(type) if isinstance(type, str) else ETensorType(int(type))


def _array(name: str, kind: ETensorType | None, shape: Any, data: Any) -> np.ndarray:
    array = np.asarray(data)
    if kind is not None:
        array = array.astype(numpy_type(kind))
    sizes = [int(size) for size in shape]
    if array.size != ConvertShapeToLength(sizes):
        raise SofieError(f"TMVA-SOFIE: the tensor {name!r} of shape {sizes} has {ConvertShapeToLength(sizes)} elements, not {array.size}")
    return np.ascontiguousarray(array).reshape(sizes)
