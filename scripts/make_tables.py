#!/usr/bin/env python3
"""Writes the table of docs/operators.md of supported operators from the registry; --check only says whether it is current."""

from __future__ import annotations

import argparse
import sys
from itertools import groupby

from pages import replace

from onnx_bridge.cli import supported


def table() -> str:
    """One row a domain."""
    lines = ["| domain | operators | |", "|---|---|---|"]
    for domain, rows in groupby(supported(), lambda row: row.domain):
        group = list(rows)
        names = ", ".join(row.name for row in group)
        lines.append(f"| `{domain}` | {len(group)} | {names} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    sys.exit(replace("docs/operators.md", "operators", table(), check=parser.parse_args().check))
