#!/usr/bin/env python3
"""Runs the cases of `onnx.backend.test` that come with onnx through headers, and counts how they went.

    python scripts/node_suite.py                    # all; prints what is wrong
    python scripts/node_suite.py --only resize      # those whose names have this in them
    python scripts/node_suite.py --renew            # writes tests/suite_refused.json, of these cases; nothing may be wrong

Exits with 1 if any answer is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import onnx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from suite_runner import BATCH, MANIFEST, run
from suites import SuiteCase, folder_cases, light_cases, node_cases


def cases(only: str) -> list[SuiteCase]:
    """All cases, or those of a name."""
    return [case for case in (*node_cases(), *folder_cases(), *light_cases()) if only in case.name]


def batch(only: str, first: int) -> list[tuple[str, str, str, str]]:
    """The outcomes of one library's cases: kind, name, word, what was said. Runs in a process of its own."""
    some = cases(only)[first : first + BATCH]
    return [(outcome.case.kind, outcome.case.name, outcome.word, outcome.said) for outcome in run(some)]


def renew(only: str, reasons: dict[str, list[str]]) -> None:
    """Writes the manifest: what is refused now, and what was of the cases that have not been run."""
    old = json.loads(MANIFEST.read_text(encoding="utf-8"))
    every = [f"{case.kind}/{case.name}" for case in cases("")]
    found = {name: reason for reason, names in old["refused"].items() for name in names if name in every and only not in name}
    found |= {name: reason for reason, names in reasons.items() for name in names}
    kinds = Counter(name.partition("/")[0] for name in every)
    refused, otherwise = (Counter(name.partition("/")[0] for name in names) for names in (found, sum(old["otherwise"].values(), [])))
    counted = {kind: (kinds[kind] - refused[kind] - otherwise[kind], otherwise[kind], refused[kind]) for kind in sorted(kinds)}
    manifest = {
        "onnx": onnx.__version__,
        "counts": {kind: dict(zip(("right", "otherwise", "refused"), numbers, strict=True)) for kind, numbers in counted.items()},
        "refused": {reason: sorted(name for name in found if found[name] == reason) for reason in sorted(set(found.values()))},
        "otherwise": old["otherwise"],
    }
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose names have this in them")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--refused", action="store_true", help="print what is refused, too")
    parser.add_argument("--renew", action="store_true", help="write the manifest")
    args = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    reasons: dict[str, list[str]] = {}
    with ProcessPoolExecutor(args.jobs) as pool:
        for outcomes in pool.map(batch, *zip(*((args.only, first) for first in range(0, len(cases(args.only)), BATCH)), strict=True)):
            for kind, name, word, said in outcomes:
                counts[kind, word] += 1
                if word == "refused":
                    reasons.setdefault(said, []).append(f"{kind}/{name}")
                if word == "wrong" or (word == "refused" and args.refused):
                    print(f"{kind}/{name}: {word}: {said}", flush=True)
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind}: " + ", ".join(f"{n} {word}" for (k, word), n in sorted(counts.items()) if k == kind))
    wrong = sum(n for (_, word), n in counts.items() if word == "wrong")
    if args.renew and not wrong:
        renew(args.only, reasons)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
