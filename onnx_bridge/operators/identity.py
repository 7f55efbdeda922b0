"""Identity."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.roperator import operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.moving import Moving
from onnx_bridge.library.view import View
from onnx_bridge.operators.cases import case, data


@operator("Identity", since=1)
class Identity(Moving):
    """y = x, the same memory."""

    is_view = True

    def types(self, x: Tensor) -> Type:
        return x.type

    def values(self, x: Tensor) -> np.ndarray | None:
        return x.value

    def seen(self, output: Tensor, view: View) -> View | None:
        return view

    cases = (case(x=("N", 3)), case(x=data(4, dtype="int64", high=9)), case(x=data("N", dtype="str")))
