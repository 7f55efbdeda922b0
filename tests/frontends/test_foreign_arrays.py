"""Arrays of frameworks go into a compiled model, and its outputs into theirs, where they lie: through DLPack, without a copy."""

from __future__ import annotations

import numpy as np
import pytest
from models import dense_net, model_of
from onnx import TensorProto, helper

from onnx_bridge import CompiledModel, InferenceError, convert
from onnx_bridge.runtime.callers import CtypesCaller


def by(quick: bool) -> CompiledModel:
    """x [N, 3] -> y [N, 2], called through Python's C API or through ctypes."""
    net = convert(dense_net(), name="dense_calls", verify=False).compile()
    if not quick:
        net._caller = CtypesCaller(net._library, net._emitted)
    return net


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)


QUICK = pytest.mark.parametrize("quick", [True, False], ids=["C API", "ctypes"])


@QUICK
def test_tensors_of_torch(quick: bool) -> None:
    net = by(quick)
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = torch.from_numpy(rows(4))
    wanted, y = net(x.numpy()).tobytes(), torch.zeros(4, 2)

    for _ in range(2):
        assert torch.from_dlpack(net(x)).numpy().tobytes() == wanted
        assert net(x, out=y) is y and y.numpy().tobytes() == wanted
        assert net(x.T.contiguous().T).tobytes() == wanted
    with pytest.raises(InferenceError, match=r"'x' is a torch Tensor that cannot be read in place \(.*detach"):
        net(x.clone().requires_grad_())


def test_bfloat16_of_torch() -> None:
    """numpy's DLPack has no such type; its memory is read and written all the same."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ends = [helper.make_tensor_value_info(name, TensorProto.BFLOAT16, ["N", 2]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "halves", ends[:1], ends[1:])
    net = convert(model_of(graph), name="bfloat16_foreign", verify=False).compile()
    x, y = torch.tensor([[1, -2.5], [3, 4], [5, 6]], dtype=torch.bfloat16), torch.zeros(3, 2, dtype=torch.bfloat16)
    for given in (x, x.T.contiguous().T, torch.utils.dlpack.to_dlpack(x)):
        assert net(given, out=y) is y and torch.equal(y, -x) and net(given).tolist() == (-x).tolist()
        y.zero_()
    with pytest.raises(InferenceError, match="expected bfloat16; give it as bfloat16, or call with cast=True"):
        net(x.float())


@QUICK
def test_arrays_of_jax(quick: bool) -> None:
    net = by(quick)
    jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed")
    x = jnp.asarray(rows(4))
    wanted = net(np.asarray(x)).tobytes()

    for _ in range(2):
        assert np.asarray(jnp.from_dlpack(net(x))).tobytes() == wanted
    with pytest.raises(InferenceError, match="'x' is bfloat16, expected float32"):
        net(x.astype(jnp.bfloat16))
