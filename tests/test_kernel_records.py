"""Records of kernels (kernels/*.py) and the headers beside them: scratch memory and packed weights are the same in Python and in C++."""

from __future__ import annotations

import ctypes
import importlib
import inspect
import pkgutil
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from zoo import ZOO

import onnx_bridge.kernels
from onnx_bridge import convert
from onnx_bridge.emit.amalgamate import KERNELS, amalgamate
from onnx_bridge.emit.bodies import detection, region_text, undefined
from onnx_bridge.ir import dims
from onnx_bridge.kernels import convolution, product, recurrent
from onnx_bridge.library.epilogue import Fusable
from onnx_bridge.library.kernel import Kernel, Packing
from onnx_bridge.library.window import NONE, Axis, Window
from onnx_bridge.targets import bodies_that_differ, words_of
from onnx_bridge.toolchain import build

DRAWS = 300

BODY = """namespace kernels { namespace ONNX_BRIDGE_REGION {
@KERNELS@
static_assert(@LIMITS@, "Python plans for smaller tiles");
static Size answer(int question, const Size* a)
{
   switch (question) {
@ANSWERS@   default: return -2 - a[0];
   }
}
}}
@UNDEFINE@"""

PROGRAM = """#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
@REGIONS@
@DETECTION@
struct Body {
   int number;
   std::ptrdiff_t (*answer)(int, const std::ptrdiff_t*);
};
static const Body bodies[] = {
@BODIES@
};
extern "C" long long ask(int number, int question, const long long* numbers, int count)
{
   std::ptrdiff_t a[32] = {};
   for (int i = 0; i < count; i++) a[i] = static_cast<std::ptrdiff_t>(numbers[i]);
   for (const Body& body : bodies)
      if (body.number == number && can_run(number)) return body.answer(question, a);
   return -1;
}
"""


def everything(kind: type) -> dict[str, Any]:
    """What the modules of kernels/ hold of a kind, by name."""
    found: dict[str, Any] = {}
    for each in pkgutil.iter_modules(onnx_bridge.kernels.__path__):
        module = importlib.import_module(f"onnx_bridge.kernels.{each.name}")
        for name, value in vars(module).items():
            several = value if isinstance(value, tuple) else (value,)
            found |= {f"{each.name}.{name}" + (f"_{i}" if i else ""): one for i, one in enumerate(several) if isinstance(one, kind)}
    return found


RECORDS: dict[str, Kernel] = everything(Kernel)
PACKINGS: dict[str, Packing] = everything(Packing)
SCRATCH: dict[str, Callable[..., Any]] = {k.scratch.__name__: k.scratch for k in RECORDS.values() if k.scratch is not None}

HEADERS = sorted({record.header for record in RECORDS.values()} | {"packing.hxx"})


def parameters(function: Callable[..., Any]) -> list[tuple[str, bool]]:
    """Names, and whether each is a window."""
    return [(p.name, p.annotation == "Window") for p in inspect.signature(function).parameters.values()]


def axis_cpp(first: int) -> str:
    return "{" + ", ".join(f"a[{first + i}]" for i in range(7)) + "}"


def scratch_call(name: str, function: Callable[..., Any]) -> str:
    """The C++ call, from an array of numbers: 21 of a window, one of anything else."""
    arguments, at = [], 0
    for _, is_window in parameters(function):
        arguments.append(f"Window{{{', '.join(axis_cpp(at + 7 * i) for i in range(3))}}}" if is_window else f"a[{at}]")
        at += 21 if is_window else 1
    return f"{name}({', '.join(arguments)})"


def place_call(packing: Packing) -> str:
    """The C++ expression of a place, from an array of the sizes and then the indexes of the axes."""
    names = packing.axes.split()
    where = {name: f"a[{i}]" for i, name in enumerate(names)} | {f"{name}_": f"a[{i + len(names)}]" for i, name in enumerate(names)}
    return re.sub(r"\b(?:" + "|".join(where) + r")\b", lambda match: where[match[0]], packing.place)


@cache
def program() -> Path:
    """A library that answers, on each body: what every scratch function and every packing's place gives, and two sizes of tiles."""
    calls = [
        *(scratch_call(*item) for item in SCRATCH.items()),
        *map(place_call, PACKINGS.values()),
        "Size(tile_rows)",
        "Size(conv_pixels)",
        "reset_at(a[0], a[1], a[2], a[3])",
    ]
    answers = "".join(f"   case {i}: return {call};\n" for i, call in enumerate(calls))
    limits = f"tile_rows <= {product.MOST_ROWS} && conv_pixels <= {convolution.MOST_PIXELS}"
    kernels = amalgamate(HEADERS)
    words = words_of(kernels)
    targets = bodies_that_differ(words)
    undefine = undefined(kernels, targets, words)
    body = BODY.replace("@KERNELS@", kernels).replace("@LIMITS@", limits).replace("@ANSWERS@", answers).replace("@UNDEFINE@", undefine)
    rows = [(f"defined({t.architecture.macro})" if t.architecture.macro else "1", t.number, t.name) for t in targets]
    texts = {
        "@REGIONS@": region_text(targets, words).replace("#include ONNX_BRIDGE_SELF", body),
        "@DETECTION@": detection(targets),
        "@BODIES@": "\n".join(f"#if {there}\n{{{number}, kernels::{name}::answer}},\n#endif" for there, number, name in rows),
    }
    source = PROGRAM
    for place, text in texts.items():
        source = source.replace(place, text)
    return build({"records.cpp": source}, "records.cpp", flags=["-O0"])


def ask(body: int, question: int, numbers: list[int]) -> int:
    """What the C++ of a body says; -1 where the processor cannot run it."""
    library = ctypes.CDLL(str(program()))
    library.ask.restype = ctypes.c_longlong
    return int(library.ask(body, question, (ctypes.c_longlong * len(numbers))(*numbers), len(numbers)))


BODIES = [target.number for target in bodies_that_differ(frozenset())]
OTHERS = len(SCRATCH) + len(PACKINGS)


def runnable() -> list[int]:
    return [body for body in BODIES if ask(body, OTHERS, [0]) > 0]


# ---- drawing


def drawn_axis(draw: random.Random, transposed: bool) -> Axis:
    """An axis with an output; the window fits into its input."""
    while True:
        size, kernel, stride, dilation = draw.randint(0, 40), draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
        pad, pad_end = draw.choice([0, 0, 1, 2, 3, -1]), draw.choice([0, 0, 1, 2, -1])
        reach = (kernel - 1) * dilation + 1
        room = size + pad + pad_end - reach
        out = (size - 1) * stride + reach - pad - pad_end if transposed else room // stride + 1
        if out >= 0 and (transposed or room >= 0) and not (transposed and pad < 0):
            return Axis(size, out, kernel, stride, dilation, pad, pad_end)


def drawn_window(draw: random.Random, transposed: bool) -> Window:
    rank = draw.randint(1, 3)
    first, second, third = (*[NONE] * (3 - rank), *(drawn_axis(draw, transposed) for _ in range(rank)))
    return Window((first, second, third))


def drawn(function: Callable[..., Any], draw: random.Random) -> list[Any]:
    """Arguments of a scratch function."""
    small = [0, 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 95, 96, 97, 100, 128, 255, 256, 257, 300, 1000, 5000]
    values: list[Any] = []
    for name, is_window in parameters(function):
        if is_window:
            values.append(drawn_window(draw, "transposed" in function.__name__))
        elif name == "element_bytes":
            values.append(draw.choice([1, 2, 4, 8]))
        elif name == "groups":
            values.append(draw.choice([1, 2, 3, 4, 8, 16, 32]))
        elif "channels" in name:
            groups = values[1] if len(values) > 1 and "grouped" in function.__name__ else 1
            values.append(groups * draw.choice([1, 2, 3, 4, 8, 15, 16, 17, 32, 40, 64, 512]))
        else:
            values.append(draw.choice(small))
    return values


def flat(arguments: list[Any]) -> list[int]:
    """As the C++ takes them."""
    numbers: list[int] = []
    for value in arguments:
        for axis in value.axes if isinstance(value, Window) else ():
            numbers += [axis.size, axis.out, axis.kernel, axis.stride, axis.dilation, axis.pad, axis.pad_end]
        numbers += [] if isinstance(value, Window) else [value]
    return numbers


def unpadded(value: Any) -> Any:
    return Window(tuple(replace(axis, pad=0, pad_end=0) for axis in value.axes)) if isinstance(value, Window) else value  # type: ignore[arg-type]


# ---- the tests


@pytest.mark.parametrize("name", SCRATCH)
def test_scratch_is_what_the_kernel_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every body, for many sizes. Where constants cannot tell that no output reads padding, the plan holds room for it all the same."""
    function, draw = SCRATCH[name], random.Random(name)
    question = list(SCRATCH).index(name)
    for body in runnable():
        monkeypatch.setattr(convolution, "MOST_PIXELS", ask(body, OTHERS + 1, [0]))
        for _ in range(DRAWS):
            arguments = drawn(function, draw)
            planned, needed = function(*arguments), ask(body, question, flat(arguments))
            crops = any(axis.pad < 0 or axis.pad_end < 0 for w in arguments if isinstance(w, Window) for axis in w.axes)
            if needed != planned and "transposed" not in name:
                assert crops or needed == function(*map(unpadded, arguments)), (arguments, planned, needed)
                assert needed <= planned, (arguments, planned, needed)
            elif needed != planned:
                raise AssertionError((arguments, planned, needed))


@pytest.mark.parametrize(
    "name", [n for n, f in SCRATCH.items() if all(p.annotation == "Size" for p in inspect.signature(f).parameters.values())]
)
def test_scratch_of_sizes_that_are_open(name: str) -> None:
    """The expression of the plan gives what the numbers give."""
    function, draw = SCRATCH[name], random.Random(name)
    names = [p for p, _ in parameters(function)]
    expression = function(*(dims.symbol(p) for p in names))
    for _ in range(DRAWS):
        arguments = drawn(function, draw)
        assert dims.evaluate(expression, dict(zip(names, arguments, strict=True))) == function(*arguments)


@pytest.mark.parametrize("name", PACKINGS)
def test_every_element_lies_where_the_kernel_looks(name: str) -> None:
    """Each at the place that packing.hxx says, by which the kernels' own tests pack; zeros everywhere else."""
    packing, draw, question = PACKINGS[name], random.Random(name), len(SCRATCH) + list(PACKINGS).index(name)
    axes = packing.axes.split()
    for _ in range(12):
        shape = [draw.choice([1, 2, 3]) if axis in ("kd", "kh", "kw", "G", "D", "P") else draw.choice([1, 5, 16, 17, 33]) for axis in axes]
        array = np.arange(1, 1 + int(np.prod(shape)), dtype=np.int64).reshape(shape)
        packed = packing.pack(array).reshape(-1)
        assert packed.size == packing.count(dict(zip(axes, shape, strict=True)))
        indexes = list(np.ndindex(*shape))
        for index in draw.sample(indexes, min(len(indexes), 200)):
            place = ask(BODIES[-1], question, [*shape, *index])
            assert packed[place] == array[index], (shape, index)
        assert np.count_nonzero(packed) == array.size


@pytest.mark.parametrize("units", [1, 5, 16, 33])
def test_weights_behind_a_reset_lie_where_the_kernel_looks(units: int) -> None:
    """Of gru() where the reset comes before the product: no one layout, so that no Packing says it."""
    r = np.arange(1, 1 + 2 * 3 * units * units, dtype=np.int64).reshape(2, 3, units, units)
    packed = recurrent.pack_reset(r).reshape(2, -1)
    for index in random.Random(units).sample(list(np.ndindex(r.shape)), min(r.size, 100)):
        direction, gate, unit, k = index
        assert packed[direction, ask(BODIES[-1], OTHERS + 2, [units, k, gate, unit])] == r[index]

    assert np.count_nonzero(packed) == r.size


def signature(record: Kernel) -> str:
    """The template and the parameters of a kernel's function, as its header has them."""
    text = (KERNELS / record.header).read_text(encoding="ascii")
    found = re.findall(rf"(template <[^\n]*>\n)?ONNX_BRIDGE_(?:KERNEL|INLINE) [\w ]+\b{record.function}(\([^{{]*?\))\s*\{{", text)
    assert found, f"{record.header} has no {record.function}"
    return " ".join(found[-1])


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_says_what_its_function_takes(name: str) -> None:
    """An epilogue and scratch memory where the record has them, and not where it has none."""
    record = RECORDS[name]
    taken = signature(record)

    assert bool(record.epilogue) == bool(re.search(r"class (Epilogue|Score)\b", taken))
    assert (record.scratch is not None) == ("scratch" in taken)
    assert record.types


def test_every_scratch_function_has_a_record() -> None:
    """A kernel header that says how much it needs is planned by that."""
    declared = {
        name for file in KERNELS.glob("*.hxx") for name in re.findall(r"^[\w ]*\bSize (\w+_scratch)\(", file.read_text(), re.MULTILINE)
    }

    assert declared == set(SCRATCH)


def kernels_of(model: onnx.ModelProto) -> Iterator[Fusable]:
    return (op for op in convert(model, verify=False).model.operators if isinstance(op, Fusable))


def test_images_have_the_layouts_of_the_record() -> None:
    """Of every convolution in the nets of the tests, planar and blocked ones."""
    seen = set()
    for make in ZOO.values():
        for op in kernels_of(make()):
            assert (op.x.layout, op.y.layout) == (op.kernel.reads, op.kernel.makes), op.title()
            assert op.x.dtype in op.kernel.types
            seen.add((op.kernel.reads, op.kernel.makes))

    assert seen >= {("planar", "blocked"), ("blocked", "blocked"), ("planar", "planar")}
