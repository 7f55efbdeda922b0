"""What onnx_bridge_rdf.hxx needs to know of a network: NAME_rdf.hxx."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.header import Emitted
from onnx_bridge.emit.names import quoted
from onnx_bridge.errors import ArgumentError
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.tensor import Tensor

#: What is the same for every network.
GENERIC = tuple(Path(__file__).parent / name for name in ("onnx_bridge_rdf.hxx", "onnx_bridge_events.hxx"))

#: Element types whose numbers C++ has: what a column can be made of.
_PLAIN = frozenset({"float32", "float64", "bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))})


def write(net: Conversion | Emitted, folder: str | Path) -> Path:
    """Writes a header, its weights, and NAME_rdf.hxx with what it includes, for a C++ program with RDataFrame.

    Returns:
        The path of NAME_rdf.hxx.

    Raises:
        ArgumentError: the network takes or gives what no column can hold.
    """
    emitted = net.emitted if isinstance(net, Conversion) else net
    path = emitted.write(folder)
    text = traits(emitted)
    write_generic(path.parent)
    made = path.with_name(f"{emitted.name}_rdf.hxx")
    made.write_text(text, encoding="ascii", newline="\n")
    return made


def write_generic(folder: Path) -> None:
    """Writes what is the same for every network."""
    for path in GENERIC:
        (folder / path.name).write_text(path.read_text(encoding="ascii"), encoding="ascii", newline="\n")


def traits(emitted: Emitted, alias: str | None = None) -> str:
    """The text of NAME_rdf.hxx.

    Args:
        emitted: the network.
        alias: what it is called in onnx_bridge::rdf instead of its name. A library holds the definitions then, and whoever defines
            ONNX_BRIDGE_RDF_DECLARED does without them, and without NAME.hxx.

    Raises:
        ArgumentError: the network takes or gives what no column can hold.
    """
    name, known = emitted.name, alias or emitted.name
    _check(emitted)
    order = list(emitted.symbols)
    fields = ", ".join(f"n[{i}]" for i in range(len(order)))
    filled = "ws.output_size(index)" if emitted.found else f"onnx_bridge::{name}::Model::output_size(index, dims)"
    arguments = [f"std::get<{i}>(x).data.get()" for i in range(len(emitted.inputs))]
    arguments += [f"std::get<{i}>(y).data.get()" for i in range(len(emitted.outputs))]
    parameters = "const std::string& weights, const std::size_t* counts, const ColumnType* types, unsigned slots"
    exported = '__attribute__((visibility("default"))) ' if alias else "inline "
    generic = '#include "onnx_bridge_events.hxx"' if alias else '#include "onnx_bridge_rdf.hxx"'
    return f"""// {name}_rdf.hxx: {name}.hxx as columns of ROOT's RDataFrame; see onnx_bridge_rdf.hxx and onnx_bridge_events.hxx.
#ifndef ONNX_BRIDGE_RDF_{known.upper()}
#define ONNX_BRIDGE_RDF_{known.upper()}
{generic}

namespace onnx_bridge {{ namespace rdf {{

/// What Score needs to know of {name}.
struct {known} {{
   static constexpr const char* name = "{name}";
   static constexpr std::size_t sizes = {len(order)};
   using Inputs = std::tuple<{", ".join(t.dtype.storage for t in emitted.inputs)}>;
   using Outputs = std::tuple<{", ".join(t.dtype.storage for t in emitted.outputs)}>;
   static constexpr Tensor inputs[] = {{{", ".join(_tensor(t, order) for t in emitted.inputs)}}};
   static constexpr Tensor outputs[] = {{{", ".join(_tensor(t, order) for t in emitted.outputs)}}};
   static std::shared_ptr<Events> events({parameters});
}};

}}}}  // namespace onnx_bridge::rdf
#if !defined(ONNX_BRIDGE_RDF_DECLARED)
#include "{name}.hxx"

namespace onnx_bridge {{ namespace rdf {{

/// What EventsOf needs to know of {name} besides.
struct {known}_calls : {known} {{
   using Model = onnx_bridge::{name}::Model;
   using Workspace = onnx_bridge::{name}::Workspace;
   using Dims = onnx_bridge::{name}::Dims;
   static Dims dims([[maybe_unused]] const std::size_t* n) {{ return {{{fields}}}; }}
   template <class In, class Out> static bool infer(const Model& model, Workspace& ws, Dims dims, const In& x, Out& y)
   {{
      return model.infer(ws, dims, {", ".join(arguments)});
   }}
   static std::size_t filled([[maybe_unused]] const Workspace& ws, int index, [[maybe_unused]] Dims dims)
   {{
      return {filled};
   }}
}};
{exported}std::shared_ptr<Events> {known}::events({parameters})
{{
   return std::make_shared<EventsOf<{known}_calls>>(weights, counts, types, slots);
}}

}}}}  // namespace onnx_bridge::rdf
#endif
#endif
"""


def _check(emitted: Emitted) -> None:
    if emitted.symbol_inputs or emitted.bounds or emitted.input_groups or emitted.output_groups:
        what = [*(f"the value of {value.source} is a size" for value in emitted.symbol_inputs.values()), *emitted.bounds]
        what += ["it takes or gives sequences or maps"] * bool(emitted.input_groups or emitted.output_groups)
        raise ArgumentError(f"{emitted.name} cannot be columns of an RDataFrame: {what[0]} (call its header in a function of your own)")
    for tensor in (*emitted.inputs, *emitted.outputs):
        if tensor.dtype.name not in _PLAIN:
            raise ArgumentError(f"{emitted.name} cannot be columns of an RDataFrame: {tensor.name} is {tensor.dtype.name}")


def _tensor(tensor: Tensor, order: Sequence[str]) -> str:
    rank = tensor.rank if tensor.type.either is None else -1
    shape = ", ".join(_axis(size, order) for size in tensor.shape[:8])
    return f'Tensor{{"{quoted(tensor.name)}", {rank}, {{{shape}}}}}'


def _axis(size: Size, order: Sequence[str]) -> str:
    if isinstance(size, int):
        return str(size)
    known = sorted(dims.symbols(size))
    plain = len(known) == 1 and known[0] in order and dims.equal(size, dims.symbol(known[0]))
    return str(-1 - order.index(known[0])) if plain else "computed"
