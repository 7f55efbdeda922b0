"""The few C functions through which Python reaches a generated header."""

from __future__ import annotations

from pathlib import Path

from onnx_bridge.emit.header import Emitted
from onnx_bridge.emit.sizes import dim_type
from onnx_bridge.ir.dtypes import string

#: The file of `sources` that is compiled.
MAIN = "shim.cpp"


def sources(*headers: Emitted, taps: bool = False) -> dict[str, str]:
    """The sources of a library of one header or several: `MAIN`, the headers that it includes, and what all such libraries share."""
    texts = {f"{header.name}.hxx": header.header for header in headers}
    names = ["calls.hxx", *(["texts.hxx"] if any(map(has_text, headers)) else [])]
    shared = {name: (Path(__file__).parent / name).read_text(encoding="ascii") for name in names}
    return texts | shared | {MAIN: "\n".join(shim(header, taps) for header in headers)}


def has_text(emitted: Emitted) -> bool:
    """Whether inputs or outputs are strings."""
    return any(t.dtype is string for t in (*emitted.inputs, *emitted.outputs))


def shim(emitted: Emitted, taps: bool = False) -> str:
    """C++ source that includes a header and exports plain C functions.

    They take arrays of pointers and of sizes; `objects`, which is there unless data decides sizes or there are strings, takes the addresses
    of Python's arrays themselves, and how far behind its own address an array keeps that of its data.
    """
    name = emitted.name
    fields = ", ".join(f"static_cast<{dim_type(emitted.symbol_inputs, symbol)}>(sizes[{i}])" for i, symbol in enumerate(emitted.symbols))
    plain_in = [f"static_cast<const {t.dtype.storage}*>(in[{i}])" for i, t in enumerate(emitted.inputs)]
    plain_out = [f"static_cast<{t.dtype.storage}*>(out[{i}])" for i, t in enumerate(emitted.outputs)]
    inputs = [f"in{i}.get()" if t.dtype is string else plain_in[i] for i, t in enumerate(emitted.inputs)]
    outputs = [f"out{i}.get()" if t.dtype is string else plain_out[i] for i, t in enumerate(emitted.outputs)]
    text_in = [i for i, t in enumerate(emitted.inputs) if t.dtype is string]
    text_out = [i for i, t in enumerate(emitted.outputs) if t.dtype is string]
    arguments = ", ".join([*inputs, *outputs])
    weights = "data, bytes, " if emitted.weights.payload_bytes else ""
    tap = (
        "static thread_local void (*current_tap)(int, const void*, std::size_t) = nullptr;\n"
        "static void (*active_tap())(int, const void*, std::size_t) { return current_tap; }\n"
        if taps
        else ""
    )
    set_tap = f'extern "C" void bridge_{name}_tap(void (*tap)(int, const void*, std::size_t)) {{ current_tap = tap; }}\n' if taps else ""
    call = f"m.infer(ws, dims(sizes), {arguments});"
    body = f"return {call}"
    lines = []
    if emitted.found:  # their fields, in order, are a last output
        lines = [
            f"for (int i = 0; i < {len(emitted.found)}; i++)",
            f"   static_cast<long long*>(out[{len(outputs)}])[i] =",
            "      static_cast<long long>(reinterpret_cast<const std::size_t*>(&ws.found())[i]);",
        ]
    made = [*(f"in{i}" for i in text_in), *(f"out{i}" for i in text_out)]
    before = [f"const onnx_bridge_calls::TextIn in{i}(in[{i}]);" for i in text_in]
    before += [f"onnx_bridge_calls::TextOut out{i}(out[{i}]);" for i in text_out]
    before += [f"if ({' || '.join(f'!{text}.get()' for text in made)}) return false;"] if made else []
    lines += [f"if (ran) out{i}.give();" for i in text_out]
    if lines or before:
        body = "\n      ".join([*before, f"const bool ran = {call}", *lines, "return ran;"])
    return f"""#include <cstdio>
{tap}#include "{name}.hxx"
#include "calls.hxx"
{'#include "texts.hxx"' if has_text(emitted) else ""}
namespace shim_{name} {{
struct Net {{
   using Model = onnx_bridge::{name}::Model;
   using Workspace = onnx_bridge::{name}::Workspace;
   using Dims = onnx_bridge::{name}::Dims;
   static Dims dims([[maybe_unused]] const long long* sizes) {{ return {{{fields}}}; }}
   static bool infer(const Model& m, Workspace& ws, const long long* sizes, [[maybe_unused]] const void* const* in,
                     [[maybe_unused]] void* const* out) noexcept
   {{
      {body}
   }}
}};
using Opened = onnx_bridge_calls::Opened<Net>;
extern "C" void* bridge_{name}_open(const void* data, std::size_t bytes, int body, char* error, std::size_t room)
{{
   try {{
      (void)data, (void)bytes;
      return new Opened({weights}static_cast<onnx_bridge::{name}::Body>(body));
   }} catch (const std::exception& e) {{
      std::snprintf(error, room, "%s", e.what());
      return nullptr;
   }}
}}
extern "C" void bridge_{name}_close(void* m) {{ delete static_cast<Opened*>(m); }}
extern "C" std::size_t bridge_{name}_bytes(const long long* sizes) {{ return Net::Model::workspace_bytes(Net::dims(sizes)); }}
extern "C" int bridge_{name}_idle(void* m) {{ return static_cast<Opened*>(m)->idle(); }}
extern "C" int bridge_{name}_run(void* m, const long long* sizes, std::size_t bytes, const void* const* in, void* const* out)
{{
   return static_cast<Opened*>(m)->run(sizes, bytes, in, out);
}}
extern "C" double bridge_{name}_time(void* m, const long long* sizes, std::size_t bytes, const void* const* in, void* const* out,
                                     long long number)
{{
   return static_cast<Opened*>(m)->time(sizes, bytes, in, out, number);
}}
extern "C" void* bridge_{name}_place(void* m, const long long* sizes, void* memory)
{{
   return new Net::Workspace(static_cast<Opened*>(m)->model, Net::dims(sizes), memory);
}}
extern "C" void bridge_{name}_drop(void* ws) {{ delete static_cast<Net::Workspace*>(ws); }}
extern "C" int bridge_{name}_infer(void* m, void* ws, const long long* sizes, const void* const* in, void* const* out)
{{
   return Net::infer(static_cast<Opened*>(m)->model, *static_cast<Net::Workspace*>(ws), sizes, in, out);
}}
{"" if emitted.found or has_text(emitted) else _objects(name, len(inputs), len(outputs))}{set_tap}}}  // namespace shim_{name}
"""


def _objects(name: str, inputs: int, outputs: int) -> str:
    """The function that takes Python's arrays."""

    def data(first: int, count: int) -> str:
        return ", ".join(f"*reinterpret_cast<void* const*>(a{i} + at)" for i in range(first, first + count)) or "nullptr"

    parameters = "".join(f", const char* a{i}" for i in range(inputs + outputs))
    return f"""extern "C" int bridge_{name}_objects(const onnx_bridge_calls::Plan* plan{parameters})
{{
   [[maybe_unused]] const std::size_t at = plan->offset;
   const void* const in[] = {{{data(0, inputs)}}};
   void* const out[] = {{{data(inputs, outputs)}}};
   return static_cast<Opened*>(plan->model)->run(plan->sizes, plan->bytes, in, out);
}}
"""
