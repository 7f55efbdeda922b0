"""Every attribute of every operator with values that no file should have: refused, or a header; never a fault of ours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import onnx
import pytest
from check import model_of
from forms import empty

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge import BridgeError, convert
from onnx_bridge.custom import load
from onnx_bridge.errors import InternalError
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.operators.cases import Case

load()

_FAR = 2**63 - 1

#: What an attribute of a type is in a case that does not have it.
_USUAL: dict[str, Any] = {"INT": 1, "FLOAT": 1.0, "STRING": "x", "INTS": [1, 1], "FLOATS": [1.0], "STRINGS": ["x"]}

#: The values that every run looks at are the first ones of each type.
FEW = 2


def odd_values(value: Any) -> list[Any]:
    """Values of one's type that hardly fit; those that break most come first."""
    if isinstance(value, int):
        return [_FAR, -_FAR - 1, -1, 7, 100, 0]
    if isinstance(value, float):
        return [-1.0, float("nan"), float("inf"), 0.0, 1e-300]
    if isinstance(value, (str, bytes)):
        return ["junk", "", "A\n"]
    some = list(value)
    if not some or not isinstance(some[0], (int, float)):
        return [some[:-1], [*some, *some[:1]], [], ["junk"] * len(some)] if some and isinstance(some[0], (str, bytes)) else []
    if isinstance(some[0], float):
        return [some[:-1], [float("nan")] * len(some), [], [*some, 1.0], [1.5] * len(some)]
    return [some[:-1], [_FAR] * len(some), [-_FAR - 1] * len(some), [-1] * len(some), [*some, 1], [0] * len(some), [], [100] * len(some)]


def damaged(domain: str, op_type: str, few: bool) -> Iterator[tuple[str, Case]]:
    """Cases with one attribute that is odd: all that the cases or ONNX's schema have; what, and the case."""
    schema = onnx.defs.get_schema(op_type, domain=domain) if onnx.defs.has(op_type, domain=domain) else None
    usual = {a.name: _USUAL.get(a.type.name) for a in schema.attributes.values()} if schema else {}
    for cls in REGISTRY[domain, op_type]:
        done: set[tuple[str, tuple[str, ...]]] = set()
        for case in (case for case in cls.cases[: 1 if few else None] if not empty(case)):
            for key, value in {**usual, **case.attributes}.items():
                alike = key, tuple(sorted(case.attributes))
                if value is None or alike in done:
                    continue
                done.add(alike)
                for odd in odd_values(value)[: FEW if few else None]:
                    yield f"{key} = {odd!r}", replace(case, attributes={**case.attributes, key: odd})


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["few", "all"])
@pytest.mark.parametrize("domain", sorted({domain for domain, _ in REGISTRY}), ids=lambda domain: domain or "ai.onnx")
def test_an_odd_value_is_refused_or_converts(domain: str, few: bool) -> None:
    """No exception but BridgeError, no warning of numpy, and nothing that says it is a fault of ours."""
    faults = []
    for op_type in sorted(op_type for of, op_type in REGISTRY if of == domain):
        for what, case in damaged(domain, op_type, few):
            try:
                model = model_of(op_type, domain, case, "odd")
            except (TypeError, ValueError, OverflowError):  # not even protobuf takes it
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", RuntimeWarning)
                    convert(model, name="odd", verify=False)
            except InternalError as error:
                faults.append(f"{op_type} {what}: {error}")
            except BridgeError:
                pass
    assert not faults, "\n".join(faults)
