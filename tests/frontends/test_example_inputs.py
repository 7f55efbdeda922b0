"""Example inputs from whatever framework, nested as the model takes them: for a live model, and for a file in another process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness import needs

pytestmark = needs("torch")

import torch
from torch import nn

from onnx_bridge.errors import ArgumentError
from onnx_bridge.frontends import Request, export


class Nested(nn.Module):
    """Takes a dictionary and a pair."""

    def forward(self, d: dict[str, torch.Tensor], p: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return d["a"] * d["b"] + p[0] - p[1]


class Foreign:
    """An array of another library."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.array


A, B = np.random.default_rng(0).standard_normal((2, 2, 3)).astype(np.float32)
OF_TORCH = ({"a": torch.tensor(A, requires_grad=True), "b": torch.tensor(B.T.copy()).T}, (nn.Parameter(torch.tensor(A)), torch.tensor(B)))
OF_OTHERS = ({"a": Foreign(A), "b": B}, (Foreign(A), B))


@pytest.mark.parametrize(("live", "given"), [(True, OF_OTHERS), (False, OF_TORCH)], ids=["live", "file"])
def test_nested_arrays(live: bool, given: object, tmp_path: Path) -> None:
    script = torch.jit.script(Nested())
    torch.jit.save(script, path := tmp_path / "nested.pt")
    made = export(script if live else str(path), "torch", Request(given))
    made.close()

    (example,) = made.examples
    assert list(example) == [value.name for value in made.model.graph.input] == ["d_a", "d_b", "p_0", "p_1"]
    assert all(np.array_equal(value, wanted) for value, wanted in zip(example.values(), (A, B, A, B), strict=True))


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_numbers_that_numpy_has_not(tmp_path: Path) -> None:
    """bfloat16 it has from ml_dtypes."""
    torch.jit.save(torch.jit.script(nn.Identity()), path := tmp_path / "same.pt")
    with pytest.raises(ArgumentError, match="cannot become a numpy array: Got unsupported ScalarType ComplexHalf"):
        export(str(path), "torch", Request(torch.ones(2, 3, dtype=torch.complex32)))


def test_tensors_of_torch_for_jax() -> None:
    """Where JAX is installed."""
    needs("jax")
    made = export(lambda x, y: x * y, "jax", Request((torch.tensor(A, requires_grad=True), Foreign(B))))

    assert all(np.array_equal(value, wanted) for value, wanted in zip(made.examples[0].values(), (A, B), strict=True))
