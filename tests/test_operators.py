"""Every operator's own cases, from ONNX to the header."""

from pathlib import Path

import pytest
from check import check_op

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge.custom import load
from onnx_bridge.ir.roperator import REGISTRY

load()


@pytest.mark.parametrize(("domain", "op_type"), sorted(REGISTRY), ids=lambda part: part or "ai.onnx")
def test_cases(domain: str, op_type: str) -> None:
    """What an operator declares as its cases gives onnxruntime's answers."""
    classes = REGISTRY[domain, op_type]
    cases = [case for cls in classes for case in cls.cases]
    if all(cls.tested_by for cls in classes):
        assert all((Path(__file__).parent / cls.tested_by).is_file() for cls in classes)
        return

    assert cases, f"{op_type} declares no cases"
    assert check_op(op_type, domain, cases) == []
