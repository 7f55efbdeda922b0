"""What a caller of convert() says is checked, each thing with a message of its own; nothing is ignored, and nothing is compiled before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from models import dense_net

import onnx_bridge
from onnx_bridge import ArgumentError

ROW = np.ones((1, 3), np.float32)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"without": ["nope"]}, "without: no pass is called 'nope'; those that can be left out are .*attention"),
        ({"without": ["layout"]}, "without: nothing can be emitted without the pass 'layout'"),
        ({"without": "attention"}, r"without: a list of names is meant, such as \['attention'\], not 'attention'"),
        ({"without": [3]}, "without: .* 3 is none"),
        ({"imports": "my_package"}, "imports: a list of names is meant"),
        ({"dynamic": "batch"}, r"dynamic: .* such as {'x': {0: 'batch'}}, not 'batch'"),
        ({"dynamic": {"x": ["n"]}}, r"dynamic: .* what is said of 'x' is \['n'\]"),
        ({"dynamic": {None: {}}}, "dynamic: .* None is neither the name nor the position"),
        ({"inputs": {"x": ROW}}, r"for one set give inputs=\[\{...\}\]"),
        ({"inputs": ROW}, "not ndarray"),
        ({"inputs": 3}, "not int"),
        ({"inputs": [ROW]}, "set 0 must be a mapping from input names to arrays, not ndarray"),
        ({"inputs": [{"x": ROW}, {"z": ROW}]}, r"set 1 has 'z', which is no input of the model \(its inputs are x\)"),
        ({"inputs": [{}]}, "set 0 lacks 'x'"),
        ({"inputs": [{"x": ROW[0]}]}, r"set 0 has 'x' with shape \(3,\), expected float32 \[N, 3\]"),
    ],
)
def test_each_has_a_message_of_its_own(arguments: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")

    with pytest.raises(ArgumentError, match=says):
        onnx_bridge.convert(dense_net(), **arguments)


def test_sets_of_inputs_may_come_from_a_generator() -> None:
    made = onnx_bridge.convert(dense_net(), inputs=({"x": ROW * i} for i in range(3)))

    assert made.report.passed
    assert made.report.rows[0].samples > 3
