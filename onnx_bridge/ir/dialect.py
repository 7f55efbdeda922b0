"""The two dialects that the operators of an RModel are of."""

from __future__ import annotations

from enum import Enum


class Dialect(Enum):
    """What an operator means, and what may be done with it.

    ONNX: inputs, attributes, types that follow from them at any time. Most that move elements are their own kernels: they say in `emit`
    how a header executes them. The others (`ROperator.is_own_kernel` tells) are replaced by the rules of `select/`.

    KERNEL: what a header executes: weights packed, layouts chosen, other operators done on the way. No file names them.
    """

    ONNX = "ONNX"
    KERNEL = "kernel"
