"""The cases of `onnx.backend.test` that come with onnx: right, or refused for the reason that the manifest has."""

from __future__ import annotations

import pytest
from suite_runner import BATCH, manifest_is_of_this_onnx, refused, run
from suites import SuiteCase, folder_cases, node_cases

CASES = [*node_cases(), *folder_cases()]

#: Cases of one operator compile alike, so that neighbours share a library.
BATCHES = [pytest.param(CASES[i : i + BATCH], id=f"{CASES[i].kind}-{CASES[i].name}") for i in range(0, len(CASES), BATCH)]


@pytest.mark.parametrize("cases", BATCHES)
def test_right_or_refused_with_the_reason(cases: list[SuiteCase]) -> None:
    reasons, told = refused(), []
    for outcome in run(cases):
        name = f"{outcome.case.kind}/{outcome.case.name}"
        wanted = reasons.get(name)
        if outcome.word == "wrong":
            told.append(f"{name}: {outcome.said}")
        elif manifest_is_of_this_onnx() and (outcome.word == "refused") != (wanted is not None):
            told.append(f"{name} is {outcome.word}, unlike tests/suite_refused.json has it (scripts/node_suite.py --renew): {outcome.said}")
        elif manifest_is_of_this_onnx() and outcome.word == "refused" and outcome.said != wanted:
            told.append(f"{name} is refused for another reason: {outcome.said}")
    assert not told, "\n".join(told)
