"""Every operator's own cases through the whole road."""

import pytest
from check import check_op

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge.ir.roperator import REGISTRY


@pytest.mark.parametrize(("domain", "op_type"), sorted(REGISTRY), ids=lambda part: part or "ai.onnx")
def test_cases(domain: str, op_type: str) -> None:
    """What an operator declares as its cases gives onnxruntime's answers."""
    cases = [case for cls in REGISTRY[domain, op_type] for case in cls.cases]

    assert cases, f"{op_type} declares no cases"
    assert check_op(op_type, domain, cases) == []
