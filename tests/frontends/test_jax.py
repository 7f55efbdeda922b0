"""The JAX zoo: models through the whole road, their headers beside JAX's own answer."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
pytest.importorskip("jax2onnx")
pytest.importorskip("flax")
pytest.importorskip("equinox")

from harness import Case, run, zoo
from jax_zoo import CASES

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::FutureWarning")]


@zoo(CASES)
def test_zoo(case: Case) -> None:
    run(case)


def test_the_zoo_is_large() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
