"""Forms of opsets that onnxruntime does not read yet: signed shifts, remainders of floats; and integers that are computed in float32."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from onnx import helper

from onnx_bridge import UnsupportedModel, convert


def of_two(op: str, a: np.ndarray, b: np.ndarray, opset: int = 28, **attributes: object) -> np.ndarray:
    """The header's answer of an operator of two inputs."""
    kind = helper.np_dtype_to_tensor_dtype(a.dtype)
    ends = [helper.make_tensor_value_info(name, kind, ["n"]) for name in "ab"]
    model = model_of(
        helper.make_graph([helper.make_node(op, ["a", "b"], ["y"], **attributes)], "two", ends, [helper.make_empty_tensor_value_info("y")])
    )
    model.opset_import[0].version = opset
    made: np.ndarray = convert(model, name=f"{op.lower()}_{a.dtype.name}", verify=False).compile()(a, b)
    return made


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_signed_integers_are_shifted(kind: str, direction: str) -> None:
    """By every number, those beyond the width and negative ones too."""
    width, limits = np.iinfo(kind).bits, np.iinfo(kind)
    numbers = [limits.min, limits.min + 1, -8, -1, 0, 1, 5, limits.max]
    by = [*range(width), width, width + 1, limits.max, -1, -width, limits.min]
    a, b = (np.ravel(m).astype(kind) for m in np.meshgrid(numbers, by))

    made = of_two("BitShift", a, b, direction=direction)

    for x, n, got in zip(a.tolist(), b.tolist(), made.tolist(), strict=True):
        inside = 0 <= n < width
        wanted = (x >> n if inside else -(x < 0)) if direction == "RIGHT" else x << n if inside else 0
        assert got == (wanted + 2 ** (width - 1)) % 2**width - 2 ** (width - 1), (x, n)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_remainders_of_floats_have_the_sign_of_the_divisor(kind: str) -> None:
    edges = np.array([0.0, -0.0, 1, -1, 3, -3, 2.5, -2.5, np.inf, -np.inf, np.nan, 1e-3, 100], kind)
    a, b = (np.ravel(m) for m in np.meshgrid(edges, edges))

    made = of_two("Mod", a, b)

    with np.errstate(all="ignore"):
        wanted = np.mod(a.astype(np.float64), b.astype(np.float64)).astype(kind)
    np.testing.assert_array_equal(made, wanted)
    np.testing.assert_array_equal(np.signbit(made[wanted == 0]), np.signbit(wanted[wanted == 0]))
    with pytest.raises(UnsupportedModel, match="before opset 28"):
        of_two("Mod", a, b, opset=22)
