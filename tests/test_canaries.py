"""Headers with canaries: the same bits, silence where nothing is wrong, and the operator's name where it writes beyond what it has."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import islice

import numpy as np
import onnx
import pytest
from check import model_of
from golden_nets import GOLDEN
from zoo import ZOO, Net

from onnx_bridge import VerificationError, convert
from onnx_bridge.conversion import Conversion
from onnx_bridge.ir.roperator import REGISTRY, Writer
from onnx_bridge.kernel_operators.softmax import SoftmaxRows
from onnx_bridge.kernels.convolution import CONV_TRANSPOSED
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.processes import Died
from onnx_bridge.runtime.compiled import CompiledModel, built, only
from onnx_bridge.runtime.isolated import IsolatedModel
from onnx_bridge.runtime.sources import MAIN, sources
from onnx_bridge.toolchain import build
from onnx_bridge.verify.inputs import feeds
from onnx_bridge.verify.sizes import allowed, sizes_to_try

#: Operators with scratch memory, or of many tensors.
OPERATORS = ("Attention", "Conv", "ConvTranspose", "GRU", "LSTM", "MatMul", "ReduceMean", "Resize", "RNN", "TopK")


NETS = ("attention", "control_flow", "conv_net", "either", "integers", "recurrent", "rollout", "upsample", "windows")


def nets() -> dict[str, onnx.ModelProto]:
    """Nets of the tests, and cases of operators."""
    made = {f"net_{name}": make() for name, make in {**ZOO, **GOLDEN}.items() if name in NETS}
    for op_type in OPERATORS:
        cases = [case for cls in REGISTRY["", op_type] for case in cls.cases]
        made |= {f"{op_type.lower()}_{i}": model_of(op_type, "", case, f"{op_type.lower()}_{i}") for i, case in enumerate(cases[:2])}
    return made


def inputs(conversion: Conversion, count: int) -> list[dict[str, np.ndarray]]:
    """Inputs at a few sizes."""
    model = conversion.model
    return [feeds(model, sizes, "normal", 1) for sizes in islice((s for s in sizes_to_try(model) if allowed(model, s)), count)]


def test_silent_and_the_same_bits_where_nothing_is_wrong() -> None:
    """Over recurrent layers, loops and branches, run-time sizes and scratch memory of every kind; without a warning of the compiler."""
    converted = {name: convert(model, name=name, verify=False) for name, model in nets().items()}
    plain = [conversion.emitted for conversion in converted.values()]
    guarded = [emitted.with_canaries() for emitted in plain]
    flags = [only(), "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
    libraries = [str(build(sources(*headers), MAIN, flags=flags)) for headers in (plain, guarded)]
    pieces = 0
    for conversion, without, with_ in zip(converted.values(), plain, guarded, strict=True):
        net = CompiledModel(without, libraries[0], "best")
        with closing(IsolatedModel(with_, libraries[1])) as guard:
            for given in inputs(conversion, 2):
                assert [a.tobytes() for a in guard.run(given)] == [a.tobytes() for a in net.run(given)], without.name
        pieces += len(with_.plan.order)
        assert with_.weights.data == without.weights.data

    assert pieces > 60


def said(conversion: Conversion, feeds: dict[str, np.ndarray]) -> str:
    """What a header with canaries says as it ends its process."""
    emitted = conversion.emitted.with_canaries()
    with closing(IsolatedModel(emitted, built(emitted, ["-O0"]))) as net, pytest.raises(Died) as died:
        net.run(feeds)
    return str(died.value)


def chain() -> onnx.ModelProto:
    """x [N, 5] -> a product -> a softmax, in its place -> a product."""
    net = Net("chain")
    x = net.input("x", ("N", 5))
    first = net("MatMul", x, net.weight(5, 6))
    second = net("Softmax", first)
    return net.model(y=(net("MatMul", second, net.weight(6, 3)), onnx.TensorProto.FLOAT, ("N", 3)))


@pytest.mark.parametrize(("beyond", "byte"), [(0, 4 * 6 * 3), (15, 4 * (6 * 3 + 15)), (-6 * 3 - 1, -4)], ids=["end", "later", "begin"])
def test_an_operator_that_writes_beyond_a_tensor_is_named(beyond: int, byte: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind it, a little farther, and before it."""
    emit = SoftmaxRows.emit

    def planted(self: SoftmaxRows, cpp: Writer) -> None:
        emit(self, cpp)
        cpp.line(f"{cpp.pointer(self.y)}[{cpp.size(self.y.count)} + {beyond}] = 1.0f;")

    monkeypatch.setattr(SoftmaxRows, "emit", planted)
    x = np.ones((3, 5), np.float32)

    assert f"chain_Softmax1 wrote byte {byte} of the tensor chain_MatMul0, which has 72 bytes" in said(
        convert(chain(), verify=False), {"x": x}
    )


def test_a_kernel_with_too_little_scratch_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One float less than it needs."""
    enough = Kernel.scratch_bytes
    monkeypatch.setattr(
        Kernel, "scratch_bytes", lambda self, *sizes: enough(self, *sizes) - 4 if self is CONV_TRANSPOSED else enough(self, *sizes)
    )
    net = Net("up")
    net.nodes.append(onnx.helper.make_node("ConvTranspose", [net.input("x", (1, 4, 5, 5)), net.weight(4, 3, 3, 3)], ["y"], "rise"))
    conversion = convert(net.model(out=("y", onnx.TensorProto.FLOAT, (1, 3, 7, 7))), verify=False)

    assert re.search(r"wrote byte (\d+) of the scratch memory of rise, which has \1 bytes", said(conversion, inputs(conversion, 1)[0]))


def test_verification_names_the_operator_that_wrote_beyond_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an answer is wrong, who wrote where it should not have is said before which tensor is the first to differ."""
    emit = SoftmaxRows.emit

    def planted(self: SoftmaxRows, cpp: Writer) -> None:
        emit(self, cpp)
        cpp.line(f"for (Size i = -1; i <= {cpp.size(self.y.count)}; i++) {cpp.pointer(self.y)}[i] = 9.0f;")

    monkeypatch.setattr(SoftmaxRows, "emit", planted)

    with pytest.raises(VerificationError, match="the operator chain_Softmax1 wrote byte -4 of the tensor chain_MatMul0, which has"):
        convert(chain(), name="chain")


def test_the_header_that_is_shipped_has_nothing_of_it() -> None:
    emitted = convert(chain(), verify=False).emitted

    assert "canar" in emitted.with_canaries().header
    assert "canar" not in emitted.header
