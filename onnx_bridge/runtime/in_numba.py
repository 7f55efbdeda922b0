"""A compiled model inside functions that numba compiles: `net(x)` becomes a call of the library, with no Python in it.

numba asks an object that it meets for its `_numba_type_`; a model's is that of the function which `jitted` makes: its text checks the
arguments' shapes, tells the run-time sizes from them, makes the outputs, and calls `NAME_here` (here.cpp), so that as many threads as
there are may call it.
"""

from __future__ import annotations

import ctypes
import keyword
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload
from numba.np.numpy_support import as_dtype

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dims
from onnx_bridge.ir.tensor import PARTS, Tensor
from onnx_bridge.runtime.sources import called_here

if TYPE_CHECKING:
    from onnx_bridge.runtime.compiled import CompiledModel

_INDENT = "    "

#: Libraries whose models numba's functions call: compiled code has their addresses in it and may outlive every object of Python's.
_called: list[object] = []


def jitted(net: CompiledModel) -> Any:
    """A function of numba's that is called as the model is: `net(x, ..., out=None)`; several outputs are a tuple.

    Raises:
        InferenceError: the model cannot be called from there: its outputs' shapes are not told by its inputs', or have strings in them.
    """
    emitted = net.emitted
    if not called_here(emitted):
        what = "sizes that data decides" if emitted.found else "strings, sequences or optionals"
        raise InferenceError(f"{emitted.name} has {what}, which cannot be used inside a function that numba compiles: call it outside")
    library = net._library
    arguments = [ctypes.c_void_p, *[ctypes.c_int64] * len(emitted.symbols)]
    arguments += [ctypes.c_void_p] * (len(emitted.inputs) + len(emitted.outputs))
    text = _Text(emitted)
    known: dict[str, Any] = {"np": np, **_CALLED}
    known |= {"here": library.function("here", ctypes.c_int, arguments), "model": library.model}
    known |= {f"plain{i}": _plain(tensor, "input") for i, tensor in enumerate(emitted.inputs)}
    known |= {f"room{i}": _plain(tensor, "output") for i, tensor in enumerate(emitted.outputs)}
    known |= {f"type{i}": tensor.dtype.numpy for i, tensor in enumerate(emitted.outputs)}
    exec(compile(text.function(), f"<{emitted.name} for numba>", "exec"), known)  # noqa: S102 - names of inputs and quoted messages are all that is the model's
    _called.append(library)
    return numba.njit(nogil=True)(known["call"])


class _Text:
    """The text of the function: sizes are s0, s1 ..., inputs as the model calls them where Python can, outputs y0, y1 ..."""

    def __init__(self, emitted: Emitted) -> None:
        self.emitted = emitted
        names = [t.name for t in emitted.inputs]
        usable = all(name.isidentifier() and name.isascii() and not keyword.iskeyword(name) for name in names)
        #: Names of ours that a parameter's name would hide.
        ours = {"np", "here", "model", "out", "status", "round", *_CALLED}
        ours |= {f"{word}{i}" for word in ("s", "y", "x", "plain", "room", "type") for i in range(len(names) + len(emitted.symbols) + 32)}
        self.parameters = names if usable and not ours & set(names) else [f"x{i}" for i in range(len(names))]
        self.inputs = [f"x{i}" for i in range(len(names))]
        self.places = {symbol: f"s{i}" for i, symbol in enumerate(emitted.symbols)}
        self.told: set[str] = set()

    def function(self) -> str:
        """All of it."""
        emitted, outputs = self.emitted, [f"y{i}" for i in range(len(self.emitted.outputs))]
        lines = [f"{x} = plain{i}({given})" for i, (x, given) in enumerate(zip(self.inputs, self.parameters, strict=True))]
        lines += self.sizes()
        for i, tensor in enumerate(emitted.inputs):
            lines += self.checked(self.inputs[i], tensor, "input")
        lines.append("if out is None:")
        lines += [f"{_INDENT}y{i} = np.empty({self.shape(tensor)}, type{i})" for i, tensor in enumerate(emitted.outputs)]
        lines.append("else:")
        for i, tensor in enumerate(emitted.outputs):
            lines.append(f"{_INDENT}y{i} = room{i}({'out' if len(outputs) == 1 else f'out[{i}]'})")
            lines += [_INDENT + line for line in self.checked(f"y{i}", tensor, "output")]
            for other in (*self.inputs, *outputs[:i]):
                message = f"output {tensor.name!r} shares memory with an input or another output"
                lines += [f"{_INDENT}if overlap(y{i}, {other}):", f"{_INDENT * 2}raise ValueError({message!r})"]
        handed = ["model", *self.places.values(), *[f"{array}.ctypes" for array in (*self.inputs, *outputs)]]
        lines.append(f"status = here({', '.join(handed)})")
        lines += ["if status != 0:", f"{_INDENT}raise ValueError('the model refuses these inputs')"]
        lines.append(f"return {outputs[0] if len(outputs) == 1 else '(' + ', '.join(outputs) + ')'}")
        return "\n".join([f"def call({', '.join([*self.parameters, 'out=None'])}):", *[_INDENT + line for line in lines]])

    def spelt(self, size: dims.Size) -> str:
        return dims.show(size, lambda symbol: self.places[symbol])

    def shape(self, tensor: Tensor) -> str:
        return f"({''.join(self.spelt(size) + ', ' for size in tensor.shape)})"

    def checked(self, array: str, tensor: Tensor, what: str) -> list[str]:
        """The shape of an array, where a shape is anything to speak of."""
        tests = [f"{array}.shape[{axis}] != {self.spelt(size)}" for axis, size in enumerate(tensor.shape)]
        message = f"{what} {tensor.name!r} has another shape than {tensor.type} asks for"
        return [f"if {' or '.join(tests)}:", f"{_INDENT}raise ValueError({message!r})"] if tests else []

    def sizes(self) -> list[str]:
        """Run-time sizes: from input values, from dims that are a lone symbol, then from linear expressions of one symbol."""
        lines = []
        for symbol, value in self.emitted.symbol_inputs.items():
            place, source = self.places[symbol], self.inputs[[t.name for t in self.emitted.inputs].index(value.source)]
            message = f"input {value.source!r} has too few elements"
            lines += [f"if {source}.size <= {value.index}:", f"{_INDENT}raise ValueError({message!r})"]
            number = f"{source}.flat[{value.index}]"
            lines.append(f"{place} = np.int64(round({number} * {PARTS}.0))" if value.is_float else f"{place} = np.int64({number})")
            if not value.signed:
                lines += [f"if {place} < 0:", f"{_INDENT}raise ValueError({f'input {value.source!r} is a size, but is negative'!r})"]
            self.told.add(symbol)
        all_dims = [(x, axis, size) for x, t in zip(self.inputs, self.emitted.inputs, strict=True) for axis, size in enumerate(t.shape)]
        for lone in (True, False):
            for x, axis, size in all_dims:
                unknown = dims.symbols(size) - self.told
                if len(unknown) == 1 and (not lone or size == dims.symbol(next(iter(unknown)))):
                    lines += self.told_by(f"{x}.shape[{axis}]", size, *unknown)
        if missing := [symbol for symbol in self.places if symbol not in self.told]:
            sizes = ", ".join(missing)
            raise InferenceError(f"the sizes {sizes} cannot be told from the inputs' shapes by a formula: call the net outside of numba")
        return lines

    def told_by(self, actual: str, size: dims.Size, symbol: str) -> list[str]:
        """The line that tells a symbol from a dim, if that is linear in it; whether it fits is what `checked` tests."""
        first, second = (dims.substitute(size, {symbol: value}) for value in (0, 1))
        step = second - first
        if not (dims.is_linear(size) and isinstance(step, int) and step):
            return []
        self.told.add(symbol)
        if first == 0 and step == 1:
            return [f"{self.places[symbol]} = np.int64({actual})"]
        return [f"{self.places[symbol]} = maximum(0, floor_div({actual} - ({self.spelt(first)}), {step}))"]


def _plain(tensor: Tensor, what: str) -> Any:
    """A function that gives its argument as the library takes it, in C order; one of another type or rank is refused as it is compiled."""
    dtype, rank = tensor.dtype.numpy, tensor.rank

    def plain(array: Any) -> Any:
        raise NotImplementedError

    def typed(array: Any) -> Any:
        if not isinstance(array, types.Array) or array.ndim != rank or as_dtype(array.dtype) != dtype:
            raise TypingError(f"{what} {tensor.name!r} is {array}, expected an array of {tensor.type}")
        if what == "output" and (array.layout != "C" or not array.mutable):
            raise TypingError(f"{what} {tensor.name!r} is {array}, expected a writable array in C order")
        if array.layout == "C" and array.aligned:
            return lambda array: array
        return lambda array: array.copy()

    overload(plain, strict=False)(typed)
    return plain


def _floor_div(a: int, b: int) -> int:
    return a // b


def _minimum(first: Any, *others: Any) -> Any:
    least = first
    for other in others:
        least = min(least, other)
    return least


def _maximum(first: Any, *others: Any) -> Any:
    most = first
    for other in others:
        most = max(most, other)
    return most


def _overlap(a: Any, b: Any) -> Any:
    first, second = a.ctypes.data, b.ctypes.data
    return first < second + b.size * b.itemsize and second < first + a.size * a.itemsize


#: What the function's text calls, by the names that it has for them.
_CALLED = {each.__name__.strip("_"): numba.njit(each) for each in (_floor_div, _minimum, _maximum, _overlap)}
