"""Headers of six small nets, whole: what changes in what is emitted is seen, line by line, by whoever changes it."""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice

import pytest
from golden_nets import FOLDER, GOLDEN, made

RENEW = "If that is meant, `python scripts/renew_golden.py` renews tests/golden/; look at its diff before it is committed."


@pytest.mark.parametrize("name", GOLDEN)
def test_header(name: str) -> None:
    """Byte for byte, and the weights by their hash."""
    for file, now in made(name).items():
        kept = (FOLDER / file).read_bytes().decode() if (FOLDER / file).is_file() else ""
        changed = unified_diff(kept.splitlines(), now.splitlines(), f"golden/{file}", "now", lineterm="", n=1)
        assert now == kept, "\n".join([f"{file} has changed. {RENEW}", *islice(changed, 60)])


def test_nothing_else_is_kept() -> None:
    kept = {file.name.partition(".")[0] for file in FOLDER.iterdir()}

    assert kept == set(GOLDEN), RENEW
