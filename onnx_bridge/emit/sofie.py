"""SOFIE's face: `TMVA_SOFIE_<model>::Session`, call for call, on the same body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from onnx_bridge.emit.found import is_found
from onnx_bridge.emit.sizes import dim_type
from onnx_bridge.emit.writer import INDENT
from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import bool_
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.tensor import Tensor


def session(
    model: RModel, arguments: Mapping[Tensor, str], symbols: Mapping[str, str], has_file: bool, found: Mapping[str, str], free_infer: bool
) -> str:
    """The text of the Session struct and of the free functions beside it.

    Sizes come before the first input that has them, in the order of the inputs; one output is returned as a vector,
    several of one type as a vector of vectors, others as a tuple. Outputs of bools are vectors of std::uint8_t. With `free_infer`
    there is SOFIE's infer without a Session, on one that each thread has.
    """
    name, of_dim = model.name, partial(dim_type, model.symbol_inputs)
    taken: list[str] = []
    parameters: list[str] = []
    for tensor in model.inputs:
        for size in tensor.shape:
            for symbol in sorted(dims.symbols(size), key=list(symbols).index):
                if symbol not in taken:
                    taken.append(symbol)
                    parameters.append(f"{of_dim(symbol)} {symbols[symbol]}")
        for symbol, value in model.symbol_inputs.items():
            if value.source == tensor.name and symbol not in taken:
                taken.append(symbol)
                parameters.append(f"{of_dim(symbol)} {symbols[symbol]}")
        parameters.append(f"const {tensor.dtype.storage}* {arguments[tensor]}")
    parameters[:0] = [f"{of_dim(symbol)} {name}" for symbol, name in symbols.items() if symbol not in taken]  # no input tells them
    inputs = [arguments[t] for t in model.inputs]
    outputs = [arguments[t] for t in model.outputs]
    kinds = ["std::uint8_t" if t.dtype is bool_ else t.dtype.storage for t in model.outputs]
    dims_text = "{" + ", ".join(f"{symbols[s]}" for s in symbols) + "}"
    plain = f"onnx_bridge::{name}"
    ctor_dims = "".join(f", {of_dim(s)} {symbols[s]} = 1" for s in symbols)
    pointers = [
        f"reinterpret_cast<bool*>({o}.data())" if t.dtype is bool_ else f"{o}.data()" for o, t in zip(outputs, model.outputs, strict=True)
    ]
    vectors = ", ".join(f"std::vector<{kind}>& {o}" for kind, o in zip(kinds, outputs, strict=True))
    single = len(outputs) == 1
    same = len(set(kinds)) == 1
    returned = (
        f"std::vector<{kinds[0]}>"
        if single
        else (f"std::vector<std::vector<{kinds[0]}>>" if same else "std::tuple<" + ", ".join(f"std::vector<{k}>" for k in kinds) + ">")
    )
    filename = "std::string filename" if has_file else "[[maybe_unused]] std::string filename"
    opened = "filename" if has_file else ""
    fresh = f"workspace(new {plain}::Workspace(model, dims))"
    lines = [
        "/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.",
        "struct Session {",
        f'{INDENT}explicit Session({filename} = ""{ctor_dims})',
        f"{INDENT}   : model({opened}), dims{dims_text}, {fresh} {{}}",
        f"{INDENT}Session(const Session& other) : model(other.model), dims(other.dims), {fresh} {{}}",
        f"{INDENT}Session(Session&&) = default;",
        f"{INDENT}Session& operator=(Session&&) = default;",
        f"{INDENT}Session& operator=(const Session& other) {{ return *this = Session(other); }}",
        "",
        f"{INDENT}void doInfer({', '.join([*parameters, vectors] if vectors else parameters)})",
        f"{INDENT}{{",
        f"{INDENT * 2}const {plain}::Dims sizes{dims_text};",
    ]
    for index, output in enumerate(outputs):
        lines.append(f"{INDENT * 2}{output}.resize({plain}::Model::output_size({index}, sizes));")
    call = ", ".join(["*workspace", "sizes", *inputs, *pointers])
    lines += [
        f"{INDENT * 2}const bool done = model.infer({call});",
        f"{INDENT * 2}if (!done) workspace.reset(new {plain}::Workspace(model, sizes));  // sizes that are larger than any before",
        f'{INDENT * 2}if (!done && !model.infer({call})) throw std::runtime_error("{name}: sizes do not agree with the inputs");',
        *_cut(model, outputs, found),
        f"{INDENT}}}",
        f"{INDENT}{returned} infer({', '.join(parameters)})",
        f"{INDENT}{{",
    ]
    forwarded = [p.split()[-1].lstrip("*") for p in parameters]
    if single:
        lines += [
            f"{INDENT * 2}{returned} {outputs[0]};",
            f"{INDENT * 2}doInfer({', '.join([*forwarded, outputs[0]])});",
            f"{INDENT * 2}return {outputs[0]};",
        ]
    else:
        for kind, output in zip(kinds, outputs, strict=True):
            lines.append(f"{INDENT * 2}std::vector<{kind}> {output};")
        lines.append(f"{INDENT * 2}doInfer({', '.join([*forwarded, *outputs])});")
        lines.append(f"{INDENT * 2}return {{{', '.join(f'std::move({o})' for o in outputs)}}};")
    lines.append(f"{INDENT}}}")
    pointer_parameters = [p for p in parameters if "*" in p]
    if symbols and len(pointer_parameters) != len(parameters):
        defaults = [f"dims.{f}" if "*" not in p else f for p, f in zip(parameters, forwarded, strict=True)]
        lines.append(f"{INDENT}{returned} infer({', '.join(pointer_parameters)}) {{ return infer({', '.join(defaults)}); }}")
    out_pointers = [f"{t.dtype.storage}* {o}" for o, t in zip(outputs, model.outputs, strict=True)]
    lines += [
        "",
        f"{INDENT}{plain}::Model model;",
        f"{INDENT}{plain}::Dims dims;  // those that the Session was made for",
        f"{INDENT}std::unique_ptr<{plain}::Workspace> workspace;",
        "};",
        "",
        "/// Raw pointers in and out; the Session's own sizes bound the call's.",
        f"inline void doInfer({', '.join(['const Session& session', *parameters, *out_pointers])})",
        "{",
        f"{INDENT}if (!session.model.infer({', '.join(['*session.workspace', dims_text, *inputs, *outputs])}))",
        f'{INDENT * 2}throw std::runtime_error("{name}: sizes beyond those that the Session was made for");',
        "}",
    ]
    if free_infer:
        lines += [
            "",
            "/// SOFIE's infer without a Session: each thread has one.",
            f"inline {returned} infer({', '.join(parameters)})",
            "{",
            f"{INDENT}thread_local Session session;",
            f"{INDENT}return session.infer({', '.join(forwarded)});",
            "}",
        ]
    return "\n".join(lines)


def _cut(model: RModel, outputs: Sequence[str], found: Mapping[str, str]) -> list[str]:
    """Cuts outputs whose sizes data decides to what the call has filled."""
    names = enumerate(zip(outputs, model.outputs, strict=True))
    return [f"{INDENT * 2}{name}.resize(workspace->output_size({index}));" for index, (name, output) in names if is_found(output, found)]
