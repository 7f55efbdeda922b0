"""The JAX zoo: models converted and compiled, their headers beside JAX's own answer."""

from __future__ import annotations

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
from harness import Case, needs, run, zoo

pytestmark = needs("jax")

from jax_zoo import CASES


@zoo(CASES)
def test_zoo(case: Case) -> None:
    run(case)


def test_the_zoo_is_large() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
