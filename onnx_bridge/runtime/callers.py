"""The quick way of a call: for inputs whose shapes were met before there is a plan, and only pointers are handed over.

A caller answers a call where it has the plan and every argument is a plain array of the model's type, and gives None for anything else;
the caller's owner then takes the slow way, which checks everything, and lets it `learn` the plan. Answers are the same either way.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import ToolchainError
from onnx_bridge.runtime.library import Library
from onnx_bridge.runtime.outputs import Outputs
from onnx_bridge.runtime.signature import PLANS
from onnx_bridge.runtime.sources import called_here
from onnx_bridge.toolchain import build

_MODULE = "onnx_bridge_caller"

_ndarray, _empty, _may_share = np.ndarray, np.empty, np.may_share_memory

#: numpy's flags of an array that is C-contiguous and aligned.
_PLAIN = 0x0001 | 0x0100
#: The same of one that can be written to.
_ROOM = _PLAIN | 0x0400


class Caller(Protocol):
    """What answers calls."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What `CompiledModel.__call__` returns for these arguments, or None."""

    def run(self, feeds: Mapping[str, Any], out: Any) -> Any:
        """What `CompiledModel.run` returns for these arguments, or None."""

    def learn(self, arrays: tuple[np.ndarray, ...], sizes: tuple[int, ...], workspace: int, memory: tuple[tuple[int, ...], ...]) -> None:
        """Keeps a plan: for inputs such as these the run-time sizes, bytes of scratch memory, and the shape of each output."""

    def idle(self) -> int:
        """How many workspaces are kept for the next calls."""


def caller_for(library: Library, emitted: Emitted, compiler: str | None = None) -> Caller | None:
    """The quickest caller that there is for a header; None where data decides shapes, or there are strings or sequences."""
    if not called_here(emitted):
        return None
    made = c_api(compiler)
    if made is None:
        return CtypesCaller(library, emitted) if data_offset() else None
    by_value = {value.source for value in emitted.symbol_inputs.values()}
    inputs = tuple((t.name, t.dtype.numpy, t.rank, t.name in by_value) for t in emitted.inputs)
    outputs = tuple((t.name, t.dtype.numpy, t.rank, False) for t in emitted.outputs)
    names = tuple(t.name for t in emitted.outputs)
    functions = tuple(map(library.address, ("infer_arrays", "workspace_new", "workspace_free")))
    caller: Caller = made.Caller(*functions, library.model, library, inputs, outputs, Outputs, names, emitted.steady)
    return caller


@cache
def c_api(compiler: str | None = None) -> Any:
    """The module `caller.cpp`, with callers through Python's C API, built once for this Python and numpy; None where it cannot be built."""
    headers = [Path(sysconfig.get_paths()[kind]) for kind in ("include", "platinclude")]
    if not any((folder / "Python.h").is_file() for folder in headers) or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    source = (Path(__file__).parent / "caller.cpp").read_text(encoding="ascii")
    built_for = re.sub(r"\W", "_", f"{sysconfig.get_config_var('SOABI')}_{sys.version}_{np.__version__}")
    flags = [*(f"-I{folder}" for folder in dict.fromkeys([*map(str, headers), np.get_include()])), f"-DBUILT_FOR_{built_for}"]
    flags += ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    try:
        path = str(build({"caller.cpp": source}, "caller.cpp", flags=flags, compiler=compiler))
        loader = importlib.machinery.ExtensionFileLoader(_MODULE, path)
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(_MODULE, loader))  # type: ignore[arg-type]
        loader.exec_module(module)
    except (ImportError, ToolchainError):
        return None
    return module


def quicken(cls: type, compiler: str | None = None) -> None:
    """Has an object's `_caller` asked before the class's own `__call__` and `run` are, which cost half as much again; once for a class."""
    made = c_api(compiler)
    for name in ("__call__", "run"):
        method = vars(cls)[name]
        if made is not None and isinstance(method, FunctionType):
            setattr(cls, name, made.Method(method, name == "run"))


@cache
def data_offset() -> int:
    """How far behind its own address an array keeps that of its data: right behind what every object begins with. 0 where it does not."""
    if sys.implementation.name != "cpython":
        return 0
    probes, offset = [np.zeros(n) for n in (1, 2)], object.__basicsize__
    right = all(ctypes.c_void_p.from_address(id(probe) + offset).value == probe.ctypes.data for probe in probes)
    return offset if right else 0


class CtypesCaller:
    """A `Caller` without Python's C API: as `caller.cpp` does it, but that memory for one of several outputs takes the slow way."""

    def __init__(self, library: Library, emitted: Emitted) -> None:
        self._infer, self._model, self._library = library.call["infer_arrays"], library.model, library
        self._take, self._give, self.idle = library.take, library.give, library.idle
        #: An array's data is where a pointer says that lies here behind its own address: for one array, an array of pointers as it is.
        self._offset = data_offset()
        self._pointers = [ctypes.c_void_p * max(1, len(tensors)) for tensors in (emitted.inputs, emitted.outputs)]
        self._inputs = [t.dtype.numpy for t in emitted.inputs]
        by_value = {value.source for value in emitted.symbol_inputs.values()}
        self._by_value = [i for i, t in enumerate(emitted.inputs) if t.name in by_value]
        self._names, self._outputs = [t.name for t in emitted.inputs], tuple(t.name for t in emitted.outputs)
        self._dtypes = [t.dtype.numpy for t in emitted.outputs]
        #: By the inputs' shapes: the run-time sizes, bytes of scratch memory, the outputs' shapes and types.
        self._plans: dict[object, tuple[ctypes.Array[Any], int, list[tuple[tuple[int, ...], np.dtype[Any]]]]] = {}
        #: The type of the only input, where there is one output, too.
        self._only = self._inputs[0] if len(self._inputs) == len(self._outputs) == 1 and not self._by_value else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """See `Caller`."""
        if self._only is not None and len(args) == 1 and (not kwargs or self._is_room(kwargs)):  # in half the time of what follows
            (x,) = args
            if type(x) is _ndarray and x.dtype == self._only and x.flags.num & _PLAIN == _PLAIN:
                plan = self._plans.get((x.shape,))
                if plan is not None:
                    sizes, needed, ((shape, dtype),) = plan
                    if kwargs:
                        y = kwargs["out"]
                        fits = type(y) is _ndarray and y.dtype == dtype and y.shape == shape and y.flags.num & _ROOM == _ROOM
                        if not fits or _may_share(x, y):
                            return None
                    else:
                        try:
                            y = _empty(shape, dtype)
                        except MemoryError:
                            return None
                    space, offset = self._take(sizes, needed), self._offset
                    try:
                        return None if self._infer(self._model, space[1], sizes, id(x) + offset, id(y) + offset) else y
                    finally:
                        self._give(space)
            return None
        if kwargs:
            if len(args) + len(kwargs) != len(self._inputs) or not kwargs.keys() <= set(self._names[len(args) :]):
                return None
            args = (*args, *[kwargs[name] for name in self._names[len(args) :]])
        made = self._made(args)
        return made[0] if made and len(made) == 1 else self._named(made)

    def _is_room(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether all that is given by name is memory for the output."""
        return len(kwargs) == 1 and "out" in kwargs and self._names[0] != "out"

    def run(self, feeds: Mapping[str, Any], out: Any) -> Any:
        """See `Caller`."""
        if out is not None or feeds.keys() != set(self._names):
            return None
        return self._named(self._made([feeds[name] for name in self._names]))

    def learn(self, arrays: tuple[np.ndarray, ...], sizes: tuple[int, ...], workspace: int, memory: tuple[tuple[int, ...], ...]) -> None:
        """See `Caller`."""
        key = self._key(arrays)
        if key is not None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            self._plans[key] = self._library.packed(sizes), workspace, list(zip(memory, self._dtypes, strict=True))

    def _key(self, arrays: Sequence[Any]) -> object:
        """What a plan is found by; None where an input is not plain."""
        if len(arrays) != len(self._inputs):
            return None
        for array, dtype in zip(arrays, self._inputs, strict=True):
            if type(array) is not _ndarray or array.dtype != dtype or array.flags.num & _PLAIN != _PLAIN:
                return None
        shapes = tuple([array.shape for array in arrays])
        return (*shapes, *[arrays[i].tobytes() for i in self._by_value]) if self._by_value else shapes

    def _made(self, arrays: Sequence[Any]) -> list[np.ndarray] | None:
        """The outputs."""
        plan = self._plans.get(self._key(arrays))
        if plan is None:
            return None
        sizes, needed, memory = plan
        try:
            outputs = [_empty(shape, dtype) for shape, dtype in memory]
        except MemoryError:
            return None
        at, offset = ctypes.c_void_p.from_address, self._offset
        ends = [made(*[at(id(a) + offset).value for a in some]) for made, some in zip(self._pointers, (arrays, outputs), strict=True)]
        space = self._take(sizes, needed)
        try:
            return None if self._infer(self._model, space[1], sizes, *ends) else outputs
        finally:
            self._give(space)

    def _named(self, made: list[np.ndarray] | None) -> Outputs | None:
        return None if made is None else Outputs(self._outputs, made)
