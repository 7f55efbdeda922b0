"""The few C functions through which Python reaches a generated header."""

from __future__ import annotations

from onnx_bridge.emit.header import Emitted


def shim(emitted: Emitted, taps: bool = False) -> str:
    """C++ source that includes the header and exports plain C functions over arrays of pointers and sizes."""
    name = emitted.name
    fields = ", ".join(f"static_cast<std::size_t>(sizes[{i}])" for i in range(len(emitted.symbols)))
    inputs = [f"static_cast<const {t.dtype.storage}*>(in[{i}])" for i, t in enumerate(emitted.inputs)]
    outputs = [f"static_cast<{t.dtype.storage}*>(out[{i}])" for i, t in enumerate(emitted.outputs)]
    arguments = ", ".join([*inputs, *outputs])
    weights = "" if emitted.embedded or not emitted.weights.payload_bytes else "data, bytes, "
    tap = (
        "static thread_local void (*current_tap)(int, const void*, std::size_t) = nullptr;\n"
        "static void (*active_tap())(int, const void*, std::size_t) { return current_tap; }\n"
        if taps
        else ""
    )
    set_tap = f'extern "C" void bridge_{name}_tap(void (*tap)(int, const void*, std::size_t)) {{ current_tap = tap; }}\n' if taps else ""
    call = f"infer(*static_cast<model::Workspace*>(ws), dims_of(sizes), {arguments})"
    body = f"return static_cast<model::Model*>(m)->{call};"
    if emitted.found:  # their fields, in order, are a last output
        fields_of = "reinterpret_cast<const std::size_t*>(&static_cast<model::Workspace*>(ws)->found())[i]"
        body = (
            f"const bool ran = static_cast<model::Model*>(m)->{call};\n   for (int i = 0; i < {len(emitted.found)}; i++)\n"
            f"      static_cast<long long*>(out[{len(outputs)}])[i] = static_cast<long long>({fields_of});\n   return ran;"
        )
    return f"""#include <chrono>
#include <cstddef>
#include <cstdio>
{tap}#include "{name}.hxx"
namespace shim_{name} {{
namespace model = onnx_bridge::{name};
static model::Dims dims_of([[maybe_unused]] const long long* sizes) {{ return {{{fields}}}; }}
extern "C" void* bridge_{name}_open(const void* data, std::size_t bytes, int body, char* error, std::size_t room)
{{
   try {{
      (void)data, (void)bytes;
      return new model::Model({weights}static_cast<model::Body>(body));
   }} catch (const std::exception& e) {{
      std::snprintf(error, room, "%s", e.what());
      return nullptr;
   }}
}}
extern "C" void bridge_{name}_close(void* m) {{ delete static_cast<model::Model*>(m); }}
extern "C" void* bridge_{name}_workspace(void* m, const long long* sizes)
{{
   try {{
      return new model::Workspace(*static_cast<model::Model*>(m), dims_of(sizes));
   }} catch (const std::exception&) {{
      return nullptr;
   }}
}}
extern "C" void* bridge_{name}_place(void* m, const long long* sizes, void* memory)
{{
   return new model::Workspace(*static_cast<model::Model*>(m), dims_of(sizes), memory);
}}
extern "C" void bridge_{name}_drop(void* ws) {{ delete static_cast<model::Workspace*>(ws); }}
extern "C" std::size_t bridge_{name}_bytes(const long long* sizes) {{ return model::Model::workspace_bytes(dims_of(sizes)); }}
extern "C" int bridge_{name}_infer(void* m, void* ws, const long long* sizes, [[maybe_unused]] const void* const* in,
                                   [[maybe_unused]] void* const* out)
{{
   {body}
}}
extern "C" double bridge_{name}_time(void* m, void* ws, const long long* sizes, const void* const* in, void* const* out, long long number)
{{
   const auto begin = std::chrono::steady_clock::now();
   for (long long i = 0; i < number; i++) bridge_{name}_infer(m, ws, sizes, in, out);
   return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}}
{set_tap}}}  // namespace shim_{name}
"""
