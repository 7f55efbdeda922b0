#!/usr/bin/env python3
"""Writes the tables of docs/operators.md: supported operators, from the registry; how ONNX's own cases go, from tests/suite_refused.json.

python scripts/make_tables.py          # --check only says whether they are current
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from itertools import groupby

from pages import ROOT, replace

from onnx_bridge.cli import supported
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.roperator import REGISTRY

PAGE = "docs/operators.md"

#: Families of element types that a row may name together.
FAMILIES = {
    "floats": (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16),
    "integers": (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64),
}


def named(types: Iterable[DType]) -> str:
    """Element types in few words."""
    left, words = set(types), []
    for word, family in FAMILIES.items():
        if left >= set(family):
            words.append(word)
            left -= set(family)
    return ", ".join([*words, *sorted(dtype.name for dtype in left)])


def types_of(domain: str, name: str) -> str:
    """The element types that an operator's first input may have, in any version."""
    found: set[DType] = set()
    for cls in REGISTRY["" if domain == "ai.onnx" else domain, name]:
        computed = cls.computes[0] if cls.computes else dtypes.COMPUTED
        found |= {*computed, *(narrow for narrow, wide in cls.widens.items() if wide in computed)}
    return "all" if found >= set(dtypes.COMPUTED) else named(found)


def table() -> str:
    """One row an operator."""
    lines = []
    for domain, rows in groupby(supported(), lambda row: row.domain):
        group = list(rows)
        head = ["| operator | from opset | element types of its first input |", "|---|---|---|"]
        lines += [f"`{domain}`: {len(group)} operators", "", *head]
        lines += [f"| {row.name} | {row.since} | {types_of(domain, row.name)} |" for row in group]
        lines.append("")
    return "\n".join(lines[:-1])


def suites() -> str:
    """How the cases of onnx.backend.test go, by folder."""
    found = json.loads((ROOT / "tests" / "suite_refused.json").read_text(encoding="utf-8"))
    lines = [f"With onnx {found['onnx']}:", "", "| cases | right | as onnxruntime has it | refused |", "|---|---|---|---|"]
    lines += [f"| {kind} | {counts['right']} | {counts['otherwise']} | {counts['refused']} |" for kind, counts in found["counts"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    sys.exit(max(replace(PAGE, "operators", table(), check=check), replace(PAGE, "suites", suites(), check=check)))
