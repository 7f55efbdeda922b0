"""Arrays of frameworks go into a compiled model, and its outputs into theirs, where they lie: through DLPack, without a copy."""

from __future__ import annotations

import numpy as np
import pytest
from models import dense_net

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
