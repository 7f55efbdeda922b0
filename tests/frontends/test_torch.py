"""The zoo of PyTorch, from modules and files to headers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import torch_zoo
import torch_zoo_forms
import torch_zoo_sequences
from harness import Case, run, zoo

CASES = [*torch_zoo.CASES, *torch_zoo_sequences.CASES, *torch_zoo_forms.CASES]

#: What PyTorch says of itself as models are built and saved; what it says while it exports goes to the report.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*treespec.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*were assigned during export.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:Converting a tensor to a Python"),
    pytest.mark.filterwarnings("ignore:.*non-zero dropout expects num_layers.*:UserWarning"),
]


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 100


@zoo(CASES)
def test_zoo(case: Case) -> None:
    run(case)
