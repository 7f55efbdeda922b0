"""Parts of the README that scripts write: what stands between `<!-- name -->` and `<!-- /name -->`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def replace(name: str, text: str, *, check: bool = False) -> int:
    """Puts `text` between the markers `name`; with `check` only looks. Returns the exit status for a script."""
    before = README.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if len(pattern.findall(before)) != 1:
        print(f"README.md: the markers <!-- {name} --> and <!-- /{name} --> must stand there once", file=sys.stderr)
        return 1
    after = pattern.sub(lambda match: f"{match[1]}{text.rstrip()}\n{match[2]}", before)
    if check and after != before:
        print(f"README.md: the part {name!r} is not current; run `python scripts/{Path(sys.argv[0]).name}`", file=sys.stderr)
        return 1
    if not check:
        README.write_text(after, encoding="utf-8")
    return 0
