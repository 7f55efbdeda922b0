"""The first lines of a header: what it is, what it takes and gives, what was compared, how it is called."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping

from onnx_bridge.emit.contract import contract
from onnx_bridge.emit.embed import WHERE
from onnx_bridge.emit.names import Naming
from onnx_bridge.emit.weights import WeightsImage
from onnx_bridge.emit.writer import comment
from onnx_bridge.ir.rmodel import RModel, all_operators
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.passes.memory import MemoryPlan
from onnx_bridge.version import __version__

#: What the banner says of a header that was compared with nothing.
UNPROVEN = "none: converted without verification"


def rows_of(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Rows of the banner; what several in a row are called stands before the first."""
    lines, last = [], ""
    for what, text in rows:
        lines.append(labelled(what if what != last else "", text))
        last = what
    return lines


def labelled(what: str, text: str) -> str:
    """A row."""
    return f"//   {what:<10} {text}".rstrip()


def banner(
    model: RModel, plan: MemoryPlan, symbols: Mapping[str, str], arguments: Mapping[Tensor, str], image: WeightsImage, code: str, form: str,
    naming: Naming,
) -> str:  # fmt: skip
    """The lines.

    Args:
        model: the network.
        plan: its memory.
        symbols: the fields of Dims by the names of sizes.
        arguments: the C++ names of inputs and outputs.
        image: the weights.
        code: the kernels that the header has, for what the contract says of them.
        form: how the weights come into a program.
        naming: what the header is called.
    """
    name = model.name
    counts = Counter(op.op_type for op in all_operators(model))
    rows = [
        (
            "model",
            comment(f"{model.source.get('file', name)}, sha256 {model.source.get('sha256', '')[:16]}..., {model.source.get('opsets', '')}"),
        )
    ]
    operators = ", ".join(f"{count} {op}" for op, count in counts.most_common())
    rows += [("operators", line) for line in textwrap.wrap(comment(operators), 100)] or [("operators", "none")]
    rows += [("input", comment(f"{t.name}  {t.type}")) for t in model.inputs]
    rows += [("output", comment(f"{t.name}  {t.type}")) for t in model.outputs]
    rows += [("narrowed", comment(str(found))) for found in model.narrowed]
    where = naming.weights if form == "file" else WHERE[form].replace("NAME", name)
    rows.append(("weights", f"{where}, {image.bytes:,} bytes (safetensors)" if image.payload_bytes else "none"))
    ones = dict.fromkeys(symbols, 1)
    at = f" where every size is {1}" if symbols else ""
    rows.append(("workspace", f"{plan.offsets(ones)[1]:,} bytes{at}"))
    rows.append(("proof", UNPROVEN))
    lines = [f"// {naming.header}: made by onnx_bridge {__version__}. Do not edit; convert the model again.", "//", *rows_of(rows)]
    dims_text = "{" + ", ".join(symbols.values()) + "}"
    call = ", ".join(["ws", dims_text, *arguments.values()])
    sofie_args = ", ".join([*symbols.values(), *(arguments[t] for t in model.inputs)])
    once = "weights, mapped once; " if form == "file" else ""
    file = "" if form != "file" or not image.payload_bytes else f'("{naming.weights}")'
    lines += [
        "//",
        f"//   onnx_bridge::{name}::Model model{file};  // {once}const, any number of threads",
        f"//   onnx_bridge::{name}::Workspace ws(model{', ' + dims_text if symbols else ''});  // one a thread",
        f"//   model.infer({call});  // caller's memory in and out",
        "//",
        f"//   TMVA_SOFIE_{naming.sofie}::Session s{file};  // SOFIE's face on the same body",
        f"//   auto y = s.infer({sofie_args});",
        "//",
        *contract(code),
    ]
    return "\n".join(line.rstrip() for line in lines)
