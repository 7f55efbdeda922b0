"""How a Model comes by its weights: constructors, `open`, what they share. From the program, a file, or memory; or there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from onnx_bridge.emit.embed import embedded, linked
from onnx_bridge.emit.weights import WeightsImage
from onnx_bridge.emit.writer import INDENT

# How the weights are given: parameters with defaults for the constructor, parameters for `open`, what fills in a Model, and comments.
_BIND_PARAMETERS = (
    "const char* data, std::size_t bytes, const char* where,\n"
    f"{INDENT * 2}std::uint64_t identity, Body body, Check check, std::string& error"
)
#: What the functions of Weights have in common.
_WEIGHTS = f"""{INDENT}const char* data = nullptr;
{INDENT}template <class T>
{INDENT}const T* at(std::size_t offset) const {{ return reinterpret_cast<const T*>(data + offset); }}"""
#: What names a file that travels with a program.
_BESIDE = f"""{INDENT}/// A path from the folder of the shared library or program that this is compiled into, as
{INDENT}/// Model(Model::beside("../share/net.dat")) needs. The path itself where it is absolute, or that folder is not known.
#if !defined(_WIN32)
{INDENT}__attribute__((visibility("hidden")))
#endif
{INDENT}static std::string beside(const std::string& path)
{INDENT}{{
{INDENT * 2}static const char here = 0;
{INDENT * 2}return WeightsFile::beside(path, &here);
{INDENT}}}""".split("\n")
_Way: TypeAlias = "tuple[str, str, str, list[str]]"
_NONE: _Way = ("", "", "choose(body, error)", [])
_MEMORY: _Way = (
    "const void* data, std::size_t bytes",
    "const void* data, std::size_t bytes, ",
    'bind(static_cast<const char*>(data), bytes, "memory", 0, body, check, error)',
    ["Weights in the caller's memory (64-byte aligned), which must outlive the Model."],
)


@dataclass(frozen=True)
class Loading:
    """The C++ that fills in a Model.

    Args:
        name: the model's C++ name.
        file: the weights' file, where the program names none.
        image: the weights.
        form: one of `embed.FORMS`.
    """

    name: str
    file: str
    image: WeightsImage
    form: str

    def fields(self) -> str:
        """What stands in Weights: a function for each, which knows where it lies."""
        lines = []
        for name, packed in self.image.arrays.items():
            kind, shape = packed.dtype.storage, ", ".join(map(str, packed.shape))
            lines.append(f"{INDENT}const {kind}* {name}() const {{ return at<{kind}>({packed.offset}); }}  // [{shape}]")
        return "\n".join([_WEIGHTS, *lines]) if lines else f"{INDENT}// none"

    def constructors(self) -> str:
        """Public: each way twice, throwing and not."""
        from_file = self.form == "file"
        ways = [_NONE] if not self.image.payload_bytes else [self._file() if from_file else self._program(), _MEMORY]
        throwing, plain = ["#if defined(__cpp_exceptions)"], ["#endif"]
        for constructor, parameters, loaded, comments in ways:
            check = "" if not self.image.payload_bytes else "layout" if not constructor else "all"
            options = "Body body = Body::best" + (f", Check check = Check::{check}" if check else "")
            explicit = "" if constructor.startswith("const void*") else "explicit "
            throwing += [f"{INDENT}/// {line}" for line in comments]
            throwing += [
                f"{INDENT}{explicit}Model({constructor}{', ' if constructor else ''}{options})",
                f"{INDENT}{{ std::string error; if (!{loaded}) raise(error); }}",
            ]
            plain += [
                f"{INDENT}static std::optional<Model> open({parameters}std::string& error,",
                f"{INDENT * 2}{options}) noexcept",
                f"{INDENT}{{",
                f"{INDENT * 2}Model model(nullptr);",
                f"{INDENT * 2}return opened(model, model.{loaded}, error);",
                f"{INDENT}}}",
            ]
        return "\n".join([*throwing, *plain, *(_BESIDE if from_file and self.image.payload_bytes else [])])

    def declarations(self) -> str:
        """Private: what the ways share."""
        if not self.image.payload_bytes:
            return f"{INDENT}// no weights"
        lines = [] if self.form != "file" else [f"{INDENT}bool load(const std::string& file, Body body, Check check, std::string& error);"]
        return "\n".join([*lines, f"{INDENT}bool bind({_BIND_PARAMETERS});"])

    def definitions(self) -> str:
        """What stands behind the class."""
        if not self.image.payload_bytes:
            return ""
        lines = [
            f"__attribute__((cold)) inline bool Model::bind({_BIND_PARAMETERS})", "{",
            f"{INDENT}constexpr ExpectedWeights expected = {{{self.image.header_bytes}, {self.image.payload_bytes}, "
            f"0x{self.image.header_hash:016x}u, 0x{self.image.payload_hash:016x}u}};",
            f"{INDENT}char problem[80];",
            f"{INDENT}w_.data = data + {self.image.header_bytes};",
            f"{INDENT}if (expected.are(data, bytes, check, identity, problem)) return choose(body, error);",
            f"{INDENT}return error.assign(where).append(problem).empty();",
            "}",
        ]  # fmt: skip
        if self.form == "file":
            return "\n".join([*lines, self._load()])
        return "\n".join([*lines, embedded(self.image.data) if self.form == "header" else linked(self.name, self.image)])

    def before(self) -> str:
        """What stands before the class."""
        return "inline const char* embedded_weights();\n" if self.form != "file" and self.image.payload_bytes else ""

    def _program(self) -> _Way:
        where = "the header" if self.form == "header" else "the program"
        loaded = f'bind(embedded_weights(), {self.image.bytes}, "{where}", 0, body, check, error)'
        comments = {
            "header": ["The weights are those in this header."],
            "object": [f"The weights are linked into the program: {self.name}.o, or {self.name}.obj."],
            "source": [f"The weights are linked into the program: {self.name}_weights.cpp, compiled."],
        }
        return "", "", loaded, comments[self.form]

    def _file(self) -> _Way:
        return (
            'const std::string& file = ""', "const std::string& file, ", "load(file, body, check, error)",
            [
                f'Maps the weights file. Where none is named, it is "{self.file}" in the working directory, else beside the',
                "shared library or program that this is compiled into, else beside this header.",
            ],
        )  # fmt: skip

    def _load(self) -> str:
        return "\n".join([
            "",
            "__attribute__((cold)) inline bool Model::load(const std::string& file, Body body, Check check, std::string& error)",
            "{",
            f"{INDENT}WeightsFile found;",
            f'{INDENT}const std::string name = "{self.file}";',
            f"{INDENT}const std::string path = file.empty() ? WeightsFile::find(name, beside(name), __FILE__) : file;",
            f"{INDENT}if (!found.open(path.c_str(), error)) return false;",
            f"{INDENT}file_ = found.data;",
            f"{INDENT}return bind(found.data.get(), found.bytes, path.c_str(), found.identity, body, check, error);",
            "}",
            "",
        ])  # fmt: skip
