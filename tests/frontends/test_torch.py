"""The zoo of PyTorch, from modules and files to headers."""

from __future__ import annotations

from harness import Case, needs, run, zoo

pytestmark = needs("torch")

import torch_zoo
import torch_zoo_forms
import torch_zoo_sequences

CASES = [*torch_zoo.CASES, *torch_zoo_sequences.CASES, *torch_zoo_forms.CASES]


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 100


@zoo(CASES)
def test_zoo(case: Case) -> None:
    run(case)
