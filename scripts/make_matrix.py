#!/usr/bin/env python3
"""Runs the environments of the frameworks with tox and writes the table of docs/versions.md of what was tested with what.

python scripts/make_matrix.py                      # all of `tox -m frameworks`, one after the other
python scripts/make_matrix.py torch jax011         # these; what earlier runs found of the others is kept in .tox/matrix.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from pages import replace

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".tox" / "matrix.json"

#: What a row names, where it is installed.
SHOWN = ("tensorflow", "keras", "tf_keras", "tf2onnx", "torch", "onnxscript", "jax", "flax", "jax2onnx", "onnx", "onnxruntime", "numpy")


def environments() -> list[str]:
    """The environments of the label `frameworks`, in order."""
    text = (ROOT / "tox.ini").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.strip().startswith("frameworks =")]
    return [name.strip() for name in line.partition("=")[2].split(",")]


def run(name: str, quick: bool) -> dict[str, object]:
    """Runs one environment; gives versions, counts and seconds."""
    results = ROOT / ".tox" / f"{name}.xml"
    results.unlink(missing_ok=True)
    begin = time.perf_counter()
    command = [sys.executable, "-m", "tox", "run", "-e", name, "--", f"--junitxml={results}", *(["-m", "not slow"] if quick else [])]
    ran = subprocess.run(command, cwd=ROOT, check=False)
    seconds = time.perf_counter() - begin
    if not results.is_file():
        sys.exit(f"{name}: tox gave no results (status {ran.returncode})")
    suite = ElementTree.parse(results).getroot()[0].attrib  # noqa: S314  (pytest has written it)
    counts = {key: int(suite[key]) for key in ("tests", "failures", "errors", "skipped")}
    found = subprocess.run([ROOT / ".tox" / name / "bin" / "python", "-c", VERSIONS, *SHOWN], capture_output=True, text=True, check=True)
    return {**counts, "seconds": round(seconds), "versions": json.loads(found.stdout)}


VERSIONS = """
import importlib.metadata, json, platform, sys
found = {"Python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def table(results: dict[str, dict[str, Any]]) -> str:
    """The table of docs/versions.md."""
    lines = ["| `tox -e` | with | tests | minutes |", "|---|---|---|---|"]
    for name, found in results.items():
        versions = ", ".join(f"{package} {version}" for package, version in found["versions"].items())
        failed = found["failures"] + found["errors"]
        passed = found["tests"] - failed - found["skipped"]
        verdict = (
            f"{passed} passed"
            + (f", **{failed} failed**" if failed else "")
            + (f", {found['skipped']} skipped" if found["skipped"] else "")
        )
        lines.append(f"| `{name}` | {versions} | {verdict} | {found['seconds'] / 60:.0f} |")
    return "\n".join(lines)


def main() -> int:
    """Runs what is asked for and writes the table; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("environments", nargs="*", choices=[*environments(), []], metavar="ENVIRONMENT")
    parser.add_argument("--quick", action="store_true", help="only the part of each zoo that every run has")
    options = parser.parse_args()
    asked = options.environments or environments()
    RESULTS.parent.mkdir(exist_ok=True)
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in asked:
        known[name] = run(name, options.quick)
        RESULTS.write_text(json.dumps(known, indent=1))
    results = {name: known[name] for name in environments() if name in known}
    replace("docs/versions.md", "matrix", table(results), check=False)
    return int(any(found["failures"] + found["errors"] for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
