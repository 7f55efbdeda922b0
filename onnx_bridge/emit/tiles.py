"""Which tiles of conv_tile.hxx a network needs, where all rows that are cut into them are known: functions that take a compiler's time."""

from __future__ import annotations

from collections.abc import Iterable

from onnx_bridge.ir.roperator import ROperator


def tiles_made(operators: Iterable[ROperator], kernels: str) -> str:
    """The line that tells conv_tile.hxx of these rows; nothing where one is not known, or no kernel asks."""
    rows = [op.tiled_rows() for op in operators]
    known = {row for found in rows if found is not None for row in found}
    if None in rows or "conv_needs(" not in kernels or not all(isinstance(pixels, int) for _, _, pixels in known):
        return ""
    texts = [f"{{{channels}, {vectors}, {pixels}}}" for channels, vectors, pixels in sorted(known, key=str)]
    return f"#define ONNX_BRIDGE_CONV_ROWS {', '.join(texts)}\n\n" if texts else ""
