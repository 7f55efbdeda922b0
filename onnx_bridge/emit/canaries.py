"""Canaries: the code of a header that finds out who writes beyond a piece of the arena. For finding faults, not for shipping."""

from __future__ import annotations

from collections.abc import Callable

from onnx_bridge.emit.names import quoted
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.passes.memory import MemoryPlan

#: Bytes before and behind each piece.
GUARD = 64

#: The C++ name of the table of pieces.
TABLE = "guarded"

#: The kernel header that plants them and looks at them.
KERNEL = "canaries.hxx"


def table(plan: MemoryPlan, size: Callable[[Size], str]) -> list[str]:
    """The C++ table of the pieces of a plan, if it has guards; `size` spells a size."""
    if not plan.guard or not plan.order:
        return []
    pieces = {buffer.index: (f"the tensor {root.name}", buffer) for root, buffer in plan.buffers.items()}
    pieces |= {buffer.index: (f"the scratch memory of {op.title()}", buffer) for op, buffer in plan.scratch.items()}
    rows = []
    for index in sorted(pieces):
        name, buffer = pieces[index]
        bytes_ = f"static_cast<std::size_t>({size(buffer.needed)})"
        rows.append(f'   {{"{quoted(name)}", {plan.cpp_offset(buffer)}, {bytes_}, {buffer.start}, {buffer.end}}},')
    return [f"Guarded {TABLE}[] = {{", *rows, "};"]


def before(plan: MemoryPlan, op: ROperator) -> str:
    """The line that stands before an operator."""
    return f"plant_canaries(arena, {TABLE}, {plan.times[op]});" if plan.order else ""


def behind(plan: MemoryPlan, op: ROperator) -> str:
    """The line that stands behind an operator."""
    return f'check_canaries(arena, {TABLE}, {plan.times[op]}, "{quoted(op.title())}");' if plan.order else ""
