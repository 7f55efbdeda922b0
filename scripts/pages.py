"""Parts of pages that scripts write: what stands between `<!-- name -->` and `<!-- /name -->`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def replace(page: str, name: str, text: str, *, check: bool = False) -> int:
    """Puts `text` between the markers `name` of a page, a path in the repository; with `check` only looks. Returns the exit status."""
    path = ROOT / page
    before = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if len(pattern.findall(before)) != 1:
        print(f"{page}: the markers <!-- {name} --> and <!-- /{name} --> must stand there once", file=sys.stderr)
        return 1
    after = pattern.sub(lambda match: f"{match[1]}{text.rstrip()}\n{match[2]}", before)
    if check and after != before:
        print(f"{page}: the part {name!r} is not current; run `python scripts/{Path(sys.argv[0]).name}`", file=sys.stderr)
        return 1
    if not check:
        path.write_text(after, encoding="utf-8")
    return 0
