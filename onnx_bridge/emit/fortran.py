"""The C face for Fortran: NAME.f90, a module of interfaces to what NAME.h declares."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from onnx_bridge.emit.c_face import STATUS, found_fields, parameter_names
from onnx_bridge.emit.header import ROOM, Emitted
from onnx_bridge.emit.names import identifier
from onnx_bridge.emit.writer import comment
from onnx_bridge.ir.dtypes import DType, string
from onnx_bridge.version import __version__

#: Fortran's longest name, less the longest that is put behind a model's.
_MOST = 63 - len("_workspace_bytes")


def fortran_module(emitted: Emitted) -> dict[str, str]:
    """The source by its name, NAME.f90; Fortran 2018 (2003's interoperability and optional arguments)."""
    name = emitted.name
    short = name[:_MOST].lower()
    fields = dict(zip(_apart(list(emitted.symbols.values())), (ROOM if s in emitted.bounds else 1 for s in emitted.symbols), strict=True))
    found = dict.fromkeys(_apart(list(found_fields(emitted).values())), 0)
    ends = [*(("input", t) for t in emitted.inputs), *(("output", t) for t in emitted.outputs)]
    lines = [
        f"! {name}.f90: {name}.h for Fortran. Made by onnx_bridge {__version__}. Do not edit; convert the model again.",
        "!",
        *(f"!   {what:<8} {comment(f'{t.name}  {t.type}')}" for what, t in ends),
        "!",
        "! Arrays lie as C has them: the shape [N, 7] is the Fortran array x(7, N). Text that is given ends with c_null_char.",
        f"! What each function does is said in {name}.h. Link what {name}.cpp compiles to, and the C++ library: -lstdc++",
        f"module {short}",
        "   use, intrinsic :: iso_c_binding",
        "   implicit none",
        "   private",
    ]
    public = [f"{short}_{word.lower()}" for word, _ in STATUS]
    functions = _functions(emitted, name, short)
    types = ([f"{short}_dims"] if fields else []) + ([f"{short}_sizes"] if found else [])
    types += [f"{short}_text"] if any(t.dtype is string for _, t in ends) else []
    lines += [f"   public :: {other}" for other in [*public, *types, *functions]]
    lines += [f"   integer(c_int), parameter :: {word} = {number}" for number, word in enumerate(public)]
    for kind, names in ((f"{short}_dims", fields), (f"{short}_sizes", found)):
        if names:
            rows = [f"      integer(c_int64_t) :: {field} = {first}" for field, first in names.items()]
            lines += [f"   type, bind(C) :: {kind}", *rows, f"   end type {kind}"]
    if f"{short}_text" in types:
        rows = ["      type(c_ptr) :: data", "      integer(c_size_t) :: size"]
        lines += [f"   type, bind(C) :: {short}_text", *rows, f"   end type {short}_text"]
    lines += ["", "   interface"]
    for made in functions.values():
        lines += made
    lines += ["   end interface", f"end module {short}", ""]
    return {f"{name}.f90": "\n".join(_broken(line) for line in lines)}


def _functions(emitted: Emitted, name: str, short: str) -> dict[str, list[str]]:
    """The interface of each function, by its name."""
    model, space = "type(c_ptr), value :: model", "type(c_ptr), value :: workspace"
    dims = f"type({short}_dims), intent(in), optional :: dims" if emitted.symbols else "type(c_ptr), value :: dims"
    opening = [
        "integer(c_int), value :: options", "type(c_ptr), intent(out) :: model",
        "character(kind=c_char), intent(out), optional :: message(*)", "integer(c_size_t), value :: room",
    ]  # fmt: skip
    index, count = "integer(c_int), value :: index", "integer(c_size_t), intent(out), optional :: count"
    names = _apart(parameter_names(emitted), ("model", "workspace", "dims", short))
    inputs = len(emitted.inputs)
    tensors = [f"{_type(t.dtype, short)}, intent({'in' if i < inputs else 'inout'}) :: {n}(*)"
               for i, (t, n) in enumerate(zip([*emitted.inputs, *emitted.outputs], names, strict=True))]  # fmt: skip
    pointers = ["type(c_ptr), intent(in) :: inputs(*)", "type(c_ptr), intent(in) :: outputs(*)"]
    status, size, pointer = "integer(c_int)", "integer(c_size_t)", "type(c_ptr)"
    table: list[tuple[str, str, Sequence[str]]] = [
        ("open", status, ["character(kind=c_char), intent(in), optional :: file(*)", *opening]),
        ("open_memory", status, ["type(c_ptr), value :: data", "integer(c_size_t), value :: bytes", *opening]),
        ("close", "", [model]),
        ("workspace_bytes", size, [dims]),
        ("workspace_new", status, [model, dims, "type(c_ptr), value :: memory", "type(c_ptr), intent(out) :: workspace"]),
        ("workspace_free", "", [space]),
        ("output_size", size, [index, dims]),
        ("infer", status, [model, space, dims, *tensors]),
        ("infer_arrays", status, [model, space, dims, *pointers]),
        ("inputs", pointer, [count]),
        ("outputs", pointer, [count]),
        ("message", pointer, ["integer(c_int), value :: status"]),
    ]
    if emitted.found:
        table.append(("found", "", [space, f"type({short}_sizes), intent(out) :: found"]))
        table.append(("filled", size, [space, index, "integer(c_int), value :: axis"]))
    made = {}
    for what, result, declared in table:
        words = ", ".join(line.rpartition(":: ")[2].partition("(")[0] for line in declared)
        kind = "function" if result else "subroutine"
        head = f'      {kind} {short}_{what}({words}) bind(C, name="{name}_{what}")' + (" result(made)" if result else "")
        body = ["         import", *(f"         {line}" for line in declared)]
        body += [f"         {result} :: made"] if result else []
        made[f"{short}_{what}"] = [head, *body, f"      end {kind} {short}_{what}"]
    return made


def _type(dtype: DType, short: str) -> str:
    """The type of a tensor's elements; Fortran has no unsigned integers and no halves: those are integers of their bytes."""
    if dtype is string:
        return f"type({short}_text)"
    plain = {"float": "real(c_float)", "double": "real(c_double)", "bool": "logical(c_bool)"}
    return plain.get(dtype.storage, f"integer(c_int{8 * dtype.size}_t)")


def _apart(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names that differ in more than their capitals, and are not too long."""
    made: list[str] = []
    for name in names:
        short = identifier(name)[:56].strip("_")
        count, free = 1, short
        while free.lower() in {*(other.lower() for other in made), *taken, "made"}:
            count += 1
            free = f"{short}_{count}"
        made.append(free)
    return made


def _broken(line: str, width: int = 120) -> str:
    """A statement on lines that every compiler takes."""
    if len(line) <= width:
        return line
    if line.startswith("!"):
        return line[:width]
    parts = textwrap.wrap(line.strip(), width - 12, break_long_words=False, break_on_hyphens=False)
    return " &\n         & ".join([f"      {parts[0]}", *parts[1:]])
