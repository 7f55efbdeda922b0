"""The C face of a header: NAME.h and NAME.cpp, plain functions for C and for every language that calls C."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onnx_bridge.emit.header import Emitted
from onnx_bridge.emit.names import Names, quoted
from onnx_bridge.emit.sizes import dim_type
from onnx_bridge.emit.templates import filled
from onnx_bridge.emit.writer import INDENT, comment, folded, spelt
from onnx_bridge.ir.dtypes import DType, string
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.targets import TARGETS
from onnx_bridge.version import __version__

#: What functions return, from 0 on, and what it means.
STATUS = (
    ("OK", "done"),
    ("REFUSED", "the sizes are larger than sizes can be, or contradict the model or the data"),
    ("NO_MEMORY", "there is no memory for it"),
    ("TOO_SMALL", "the workspace was made for less, or has too little room for what data decides"),
    ("WEIGHTS", "the weights cannot be opened or are not the model's, or the processor lacks the instructions that were asked for"),
    ("ARGUMENT", "a pointer is NULL that must not be, or memory is not aligned to 64 bytes"),
)

#: Names that parameters and fields cannot have: those of the functions' other parameters, and what C reserves beside C++.
TAKEN = ("model", "workspace", "dims", "inputs", "outputs", "in", "out", "found", "typeof", "typeof_unqual", "I")

_INCLUDED = ("cstddef", "cstdint", "limits", "new", "optional", "string", "utility")
_FOR_TEXTS = ("initializer_list", "memory", "string_view")

_FILE = 'the weights; NULL: "@NAME@.dat" in the working directory, else beside the library or program, else beside @NAME@.hxx.'
_LIFETIME = "\n * Text of outputs is there until the next call with this workspace, as long as model and inputs are."
_FILLED = "/* Elements of output `index` that the last call filled, from its beginning on; with an axis from 0 on, its size there. */"

#: The name of a file, for which there may be no memory.
_PATH = """\
   std::string path;
#if defined(__cpp_exceptions)
   try {
#endif
      path.assign(file ? file : "");
#if defined(__cpp_exceptions)
   } catch (...) {
      return ONNX_BRIDGE_NO_MEMORY;
   }
#endif""".split("\n")

_FOUND_IN = """/// A size that data decided: there is nothing else in Found.
static std::size_t found_in(const net::Workspace& workspace, int index) noexcept
{
   return reinterpret_cast<const std::size_t*>(&workspace.found())[index];
}

"""


def c_face(emitted: Emitted, *, from_memory: bool = False) -> dict[str, str]:
    """The sources by their names: NAME.h, which any C compiler reads, and NAME.cpp, to be compiled as C++17 beside the header.

    With `from_memory`, NAME.cpp lacks the function that opens a file of weights (or those in the program), for who has them in memory: of
    a small network that function takes a fifth of the time to compile.
    """
    face = _Face(emitted, from_memory and emitted.weights.payload_bytes > 0)
    return {f"{emitted.name}.h": face.header(), f"{emitted.name}.cpp": face.source()}


def c_type(dtype: DType) -> str:
    """What C calls the elements of a tensor."""
    return "onnx_bridge_text" if dtype is string else dtype.storage.removeprefix("std::")


def parameter_names(emitted: Emitted, taken: Sequence[str] = ()) -> list[str]:
    """A name for each input and output, in order; none of TAKEN, nor of `taken`."""
    names = Names((*TAKEN, *taken))
    return [names.new(tensor.name) for tensor in (*emitted.inputs, *emitted.outputs)]


def found_fields(emitted: Emitted) -> dict[str, str]:
    """A field for each size that data decides."""
    names = Names(TAKEN)
    return {symbol: names.new(symbol) for symbol in emitted.found}


class _Face:
    def __init__(self, emitted: Emitted, from_memory: bool) -> None:
        self.emitted, self.name, self.from_memory = emitted, emitted.name, from_memory
        self.places = {symbol: f"dims.{name}" for symbol, name in emitted.symbols.items()}
        names = parameter_names(emitted, (f"{self.name}_infer_arrays", "onnx_bridge_text"))
        self.names, count = names, len(emitted.inputs)
        self.parameters = [f"const {c_type(t.dtype)}* {n}" for t, n in zip(emitted.inputs, names[:count], strict=True)]
        self.parameters += [f"{c_type(t.dtype)}* {n}" for t, n in zip(emitted.outputs, names[count:], strict=True)]
        self.text_in = [i for i, t in enumerate(emitted.inputs) if t.dtype is string]
        self.text_out = [i for i, t in enumerate(emitted.outputs) if t.dtype is string]
        self.from_file = bool(emitted.weights.payload_bytes) and emitted.form == "file"
        infer = [f"const {self.name}_model* model", f"{self.name}_workspace* workspace", f"const {self.name}_dims* dims"]
        self.infer = "\n".join(folded(f"{INDENT}{', '.join([*infer, *self.parameters])}", 132)).lstrip()

    # ---- NAME.h

    def header(self) -> str:
        name, emitted = self.name, self.emitted
        ends = [f" *   {what:<8} {comment(f'{t.name}  {t.type}')}" for what, tensors in
                (("input", emitted.inputs), ("output", emitted.outputs)) for t in tensors]  # fmt: skip
        dims = "&dims" if emitted.symbols else "NULL"
        sizes = ", ".join(f".{field} = ..." for field in emitted.symbols.values())
        example = [f"{name}_dims dims = {{{sizes}}};"] if emitted.symbols else []
        example += [
            f"if ({name}_workspace_new(model, {dims}, NULL, &workspace)) return 1;  // one a thread",
            f"if ({name}_infer({', '.join(['model', 'workspace', dims, *self.names])})) return 1;",
        ]
        texts = {
            "NAME": name, "GUARD": name.upper(), "VERSION": __version__,
            "ENDS": "\n".join(ends).replace("*/", "* /").replace("/*", "/ *"),
            "EXAMPLE": "\n".join(f" *   {line}" for line in example), "FILE": f'"{name}.dat"' if self.from_file else "NULL",
            "STATUS": ",\n".join(f"{INDENT}ONNX_BRIDGE_{word} = {number}" for number, (word, _) in enumerate(STATUS)),
            "DIMS": self.dims(),
            "FILE_HELP": _FILE.replace("@NAME@", name) if self.from_file else "not looked at, for there is none: NULL.",
            "BODIES": ", ".join(f"{target.number}: {target.name}" for target in TARGETS if target.name in emitted.bodies),
            "AT_MOST": ", at most where data decides it" if emitted.found else "",
            "BUT": ", but views of more strings than before" if self.text_in or self.text_out else "",
            "LIFETIME": _LIFETIME if self.text_out else "",
            "INFER": self.infer, "FOUND": self.found_declared(),
        }  # fmt: skip
        return filled("c_face.h", texts)

    def dims(self) -> str:
        emitted, name = self.emitted, self.name
        if not emitted.symbols:
            return f"/* The model leaves no size open: where these are asked for, give NULL. */\ntypedef struct {name}_dims {name}_dims;"
        rows = []
        for symbol, field in emitted.symbols.items():
            remark = "" if symbol == field else comment(symbol).replace("*/", "* /").replace("/*", "/ *")
            remark = "how much room there is" if symbol in emitted.bounds else remark
            rows.append(f"{INDENT}int64_t {field};{f' /* {remark} */' if remark else ''}")
        about = f"/* Sizes that the model leaves open; NULL stands for {'1 and usual room' if emitted.bounds else '1'}. */"
        return "\n".join([about, f"typedef struct {name}_dims {{", *rows, f"}} {name}_dims;"])

    def found_declared(self) -> str:
        if not self.emitted.found:
            return ""
        rows = [f"{INDENT}int64_t {field}; /* {comment(s).replace('*/', '* /')} */" for s, field in found_fields(self.emitted).items()]
        name = self.name
        return "\n".join([
            "", "/* Sizes that data decided in the last call; where that was refused for want of room, what was wanted. */",
            f"typedef struct {name}_sizes {{", *rows, f"}} {name}_sizes;",
            f"ONNX_BRIDGE_API void {name}_found(const {name}_workspace* workspace, {name}_sizes* found);", "",
            _FILLED,
            f"ONNX_BRIDGE_API size_t {name}_filled(const {name}_workspace* workspace, int index, int axis);", "",
        ])  # fmt: skip

    # ---- NAME.cpp

    def source(self) -> str:
        emitted, name = self.emitted, self.name
        inputs, outputs = len(emitted.inputs), len(emitted.outputs)
        pointers = [f"const void* const in[] = {{{', '.join(self.names[:inputs]) or 'nullptr'}}};"]
        pointers.append(f"void* const out[] = {{{', '.join(self.names[inputs:]) or 'nullptr'}}};")
        has_text = bool(self.text_in or self.text_out)
        views = [f"{INDENT}{name}_c::Views in{i}{{}};\n" for i in self.text_in]
        views += [f"{INDENT}{name}_c::Views out{i}{{}};\n" for i in self.text_out]
        texts = {
            "NAME": name, "VIEWS": "".join(views), "NO_VIEWS": ", {}" * len(views),
            "DIMS": self.dims_of(), "LACKING": self.lacking(), "TEXTS": self.counts() if self.text_in else "",
            "INCLUDES": "\n".join(f"#include <{file}>" for file in sorted([*_INCLUDED, *(_FOR_TEXTS if has_text else [])])),
            "VIEWS_CLASS": (Path(__file__).parent / "c_texts.hxx").read_text(encoding="ascii") if has_text else "",
            "FOUND_IN": _FOUND_IN if emitted.found else "",
            "ARGUMENTS": "\n".join(map(_argument, [*emitted.inputs, *emitted.outputs])),
            "OPEN": self.open(), "INFER_ARRAYS": self.infer_arrays(), "INFER": self.infer,
            "INFER_BODY": "\n".join([*(line for p in pointers for line in folded(INDENT + p)),
                                     f"{INDENT}return {name}_infer_arrays(model, workspace, dims, in, out);"]),
            "FOUND": self.found_defined(), "INPUTS": str(inputs), "OUTPUTS": str(outputs),
            "MESSAGES": "\n".join(f'{INDENT}case ONNX_BRIDGE_{word}: return "{text}";' for word, text in STATUS),
        }  # fmt: skip
        return filled("c_face.cpp", texts)

    def dims_of(self) -> str:
        symbols, of = self.emitted.symbols, f"const {self.name}_dims*"
        if not symbols:
            return f"static net::Dims dims_of({of}) noexcept {{ return {{}}; }}"
        fields = []
        for symbol, field in symbols.items():
            kind = dim_type(self.emitted.symbol_inputs, symbol)
            fields.append(f"size<{kind}>(dims->{field})")
        return "\n".join([
            "/// A size; the largest where this machine has none such, which is refused.",
            "template <class T> static T size(std::int64_t given) noexcept",
            "{",
            f"{INDENT}const T made = static_cast<T>(given);",
            f"{INDENT}return static_cast<std::int64_t>(made) == given ? made : (std::numeric_limits<T>::max)();",
            "}",
            "",
            f"static net::Dims dims_of({of} dims) noexcept",
            "{",
            f"{INDENT}if (!dims) return {{}};",
            *folded(f"{INDENT}return {{{', '.join(fields)}}};"),
            "}",
        ])  # fmt: skip

    def lacking(self) -> str:
        """What is looked at where a call was refused: was there less room than was found to be needed?"""
        emitted = self.emitted
        order = list(emitted.found)
        found = [f"found_in(workspace.workspace, {order.index(found)}) > static_cast<std::size_t>(dims.{emitted.symbols[bound]})"
                 for bound, found in emitted.bounds.items()]  # fmt: skip
        return "".join(f"{INDENT}if ({test}) return ONNX_BRIDGE_TOO_SMALL;\n" for test in found)

    def open(self) -> str:
        emitted, name = self.emitted, self.name
        body = "static_cast<net::Body>(options & 255)"
        check = ", (options & 256) != 0 ? net::Check::layout : net::Check::all" if emitted.weights.payload_bytes else ""

        def function(suffix: str, parameters: str, unused: str, before: Sequence[str], given: str) -> str:
            head = f"int {name}_open{suffix}({parameters}, int options, {name}_model** model, char* message, size_t room)"
            lines = [*folded(head), "{", f"{INDENT}namespace net = {name}_c::net;"]
            lines += [f"{INDENT}static_cast<void>({word});" for word in unused.split()]
            lines += [f"{INDENT}if (!{name}_c::begun(model, message, room)) return ONNX_BRIDGE_ARGUMENT;", f"{INDENT}std::string error;"]
            call = f"return {name}_c::opened(net::Model::open({given}error, {body}{check}), error, model, message, room);"
            return "\n".join([*lines, *before, *folded(INDENT + call), "}"])

        file = ("", _PATH, "path, ") if self.from_file else ("file", (), "")
        memory = ("", (), "data, bytes, ") if emitted.weights.payload_bytes else ("data bytes", (), "")
        ways = [] if self.from_memory else [function("", "const char* file", *file)]
        return "\n\n".join([*ways, function("_memory", "const void* data, size_t bytes", *memory)])

    def counts(self) -> str:
        """How many strings an input has: sizes that are none make it too large."""
        head = "static std::size_t strings_of(int index, [[maybe_unused]] const net::Dims& dims) noexcept"
        lines = ["", head, "{", f"{INDENT}switch (index) {{"]
        for i in self.text_in:
            axes = [spelt(size, lambda s: f"static_cast<std::ptrdiff_t>({self.places[s]})") for size in self.emitted.inputs[i].shape]
            lines += folded(f"{INDENT}case {i}: return Views::count({{{', '.join(axes)}}});")
        return "\n".join([*lines, f"{INDENT}default: return 0;", f"{INDENT}}}", "}", ""])

    def infer_arrays(self) -> str:
        emitted = self.emitted
        given = [f"workspace->in{i}.data()" if i in self.text_in else f"static_cast<const {c_type(t.dtype)}*>(inputs[{i}])"
                 for i, t in enumerate(emitted.inputs)]  # fmt: skip
        given += [f"workspace->out{i}.data()" if i in self.text_out else f"static_cast<{c_type(t.dtype)}*>(outputs[{i}])"
                  for i, t in enumerate(emitted.outputs)]  # fmt: skip
        lines = []
        for i in self.text_in:
            taken = f"workspace->in{i}.take(inputs[{i}], {self.name}_c::strings_of({i}, sizes))"
            lines.append(f"if (const int status = {taken}) return status;")
        for i in self.text_out:
            lines.append(f"if (!workspace->out{i}.room({self.name}_c::net::Model::output_size({i}, sizes))) return ONNX_BRIDGE_NO_MEMORY;")
        call = ", ".join(["workspace->workspace", "sizes", *given])
        lines += folded(f"if (!model->model.infer({call})) return {self.name}_c::refusal(*workspace, sizes);")
        for i in self.text_out:
            found = f"workspace->workspace.output_size({i})" if emitted.found else f"{self.name}_c::net::Model::output_size({i}, sizes)"
            lines.append(f"workspace->out{i}.give(outputs[{i}], {found});")
        return "\n".join(INDENT + line for line in [*lines, "return ONNX_BRIDGE_OK;"])

    def found_defined(self) -> str:
        emitted, name = self.emitted, self.name
        if not emitted.found:
            return ""
        rows = [f"{INDENT}found->{field} = static_cast<int64_t>({name}_c::found_in(workspace->workspace, {i}));"
                for i, field in enumerate(found_fields(emitted).values())]  # fmt: skip
        return "\n".join([
            "", f"void {name}_found(const {name}_workspace* workspace, {name}_sizes* found)", "{",
            f"{INDENT}if (!workspace || !found) return;", *rows, "}", "",
            f"size_t {name}_filled(const {name}_workspace* workspace, int index, int axis)", "{",
            f"{INDENT}if (!workspace) return 0;",
            f"{INDENT}return axis < 0 ? workspace->workspace.output_size(index) : workspace->workspace.output_size(index, axis);", "}", "",
        ])  # fmt: skip


def _argument(tensor: Tensor) -> str:
    """A row of the table of arguments."""
    shape = ", ".join(str(size) if isinstance(size, int) else "-1" for size in tensor.shape[:8])
    rank = tensor.rank if tensor.type.either is None else -1
    return f'{INDENT}{{"{quoted(tensor.name)}", "{tensor.dtype.name}", {rank}, {{{shape}}}}},'
