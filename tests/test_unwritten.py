"""Memory that nobody wrote turns verification red, by name, even where the answer happens to be right with memory of zeros."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from faults import plant
from zoo import ZOO, Net

from onnx_bridge import convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.kernel_operators.softmax import SoftmaxRows
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.runtime.isolated import IsolatedModel

SAYS = "memory that nothing wrote shows in the compiled code's answers: it shows first in "


def test_a_tensor_that_nobody_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """x * 0 + x, the product left out: right as long as the workspace holds zeros."""
    net = Net("net")
    x = net.input("x", ("N", 4, 3))
    zeros = net("Transpose", net("Mul", x, net.constant(0, np.float32)), perm=[0, 2, 1])
    model = net.floats(y=(net("Add", zeros, net("Softmax", net("Transpose", x, perm=[0, 2, 1]))), ("N", 3, 4)))
    emit = Transpose.emit

    def silent(self: Transpose, cpp: Writer) -> None:
        if self.x.name != "x":
            return
        emit(self, cpp)

    convert(model, name="net")
    monkeypatch.setattr(Transpose, "emit", silent)
    with pytest.raises(VerificationError, match=f"{SAYS}'net_Transpose1', made by net_Transpose1") as caught:
        convert(model, name="net")
    assert caught.value.report is not None and caught.value.report.suspect in str(caught.value)


def test_scratch_that_nobody_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte of it, behind all tensors, that an operator adds to what it makes."""
    emit = SoftmaxRows.emit

    def nosy(self: ROperator, cpp: Writer) -> None:
        emit(self, cpp)  # type: ignore[arg-type]
        cpp.line(f"{cpp.pointer(self.y)}[0] += static_cast<float>(({cpp.scratch()})[65535] & 1);")

    monkeypatch.setattr(SoftmaxRows, "emit", nosy)
    monkeypatch.setattr(SoftmaxRows, "scratch_bytes", lambda self: 65536)
    with pytest.raises(VerificationError, match=SAYS):
        convert(ZOO["mlp"](), name="mlp")


def test_an_output_that_is_not_written_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    tail = "ONNX_BRIDGE_INLINE void put(float* y, vec v, Count count)\n{\n"
    plant(monkeypatch, tail, f"{tail}   if constexpr (std::is_same<Count, Size>::value) count = count > 1 ? count - 1 : count;\n")

    with pytest.raises(VerificationError, match="memory that nothing wrote shows"):
        convert(ZOO["plain"](), name="plain")


def test_both_fills_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A NaN alone does not show everything: the smaller of a NaN and a number may be the number."""
    seen: list[int] = []
    filled = IsolatedModel.filled

    def watched(self: IsolatedModel, feeds: dict[str, np.ndarray], fill: int) -> Sequence[np.ndarray]:
        seen.append(fill)
        return filled(self, feeds, fill)

    monkeypatch.setattr(IsolatedModel, "filled", watched)
    made = convert(ZOO["plain"](), name="plain")

    assert made.report.passed and sorted(set(seen)) == [0x7E, 0xFF]
