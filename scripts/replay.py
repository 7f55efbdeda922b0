"""Converts many models without verification and writes down what each became, so that two states of the package can be compared.

    python scripts/replay.py before.json --keep before/       on the one commit
    python scripts/replay.py after.json --keep after/         on the other
    python scripts/replay.py --compare before.json after.json [--diff 40]

The models are those of the operators' cases (`cases`), of the tests and the benchmark (`zoo`), and of the folder beside the repository
where it is there (`shared`; `--models FOLDER` names another, of which every *.onnx is taken). `--only` and `--match` take fewer. Each model
gives a hash of the header's face, of its kernels, of its network and of its weights; one that is refused gives the class of the error and
its first line. `--keep` writes the headers, too, which lets `--compare` show lines. Comparing exits with 1 if anything differs;
`--parts network weights` looks at these parts alone. `--processes` converts in so many processes.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import multiprocessing
import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import onnx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

#: The banner's lines that tell of the package and not of the model.
_VERSION = re.compile(r"onnx_bridge \d\S*")

#: The parts of a header.
PARTS = ("face", "kernels", "network", "weights")

KINDS = ("cases", "zoo", "shared")

#: What a model became: the hash of each part, or why it is refused.
Became = dict[str, str]


def models(kinds: Sequence[str], folder: Path | None) -> Iterator[tuple[str, str]]:
    """The name of every model, with how it is made: `made` takes it."""
    if "cases" in kinds:
        from onnx_bridge.custom import load
        from onnx_bridge.ir.roperator import REGISTRY

        load()
        for domain, op_type in sorted(REGISTRY):
            count = sum(len(cls.cases) for cls in REGISTRY[domain, op_type])
            yield from ((f"cases/{domain or 'ai.onnx'}.{op_type}_{index}", f"{domain}:{op_type}:{index}") for index in range(count))
    if "zoo" in kinds:
        from bench_models import MODELS
        from zoo import ZOO

        yield from ((f"zoo/{name}", name) for name in (*ZOO, *(make.__name__ for make in MODELS)))
    if "shared" in kinds:
        if folder is None:
            print("the folder of models is not there: left out", file=sys.stderr)
            return
        yield from ((f"shared/{file.name.partition('.')[0]}", str(file)) for file in sorted(folder.glob("*.onnx")))


def made(name: str, how: str) -> onnx.ModelProto:
    """The model itself."""
    kind = name.partition("/")[0]
    if kind == "cases":
        from check import model_of

        from onnx_bridge.custom import load
        from onnx_bridge.ir.roperator import REGISTRY

        load()
        domain, op_type, index = how.split(":")
        cases = [case for cls in REGISTRY[domain, op_type] for case in cls.cases]
        return model_of(op_type, domain, cases[int(index)], "case")
    if kind == "zoo":
        from bench_models import MODELS
        from zoo import ZOO

        return {**ZOO, **{make.__name__: make for make in MODELS}}[how]()
    if how.endswith(".skeleton.onnx"):
        from test_models import shared_model

        return shared_model(Path(how).parent, Path(how).name.removesuffix(".skeleton.onnx"))
    return onnx.load(how)


def parts_of(header: str) -> dict[str, str]:
    """A header's face, kernels and network."""
    head, begin, rest = header.partition("namespace ONNX_BRIDGE_REGION {")
    kernels, mark, network = rest.partition("// ---- the network\n")
    network, end, rest = network.partition("\n}\n\n#undef ")  # what is undefined are the kernels' macros
    return {"face": _VERSION.sub("onnx_bridge", head + begin), "kernels": kernels + end + rest, "network": mark + network}


def became(item: tuple[str, str, Path | None]) -> tuple[str, Became]:
    """What a model becomes; its header is written into a folder where one is given."""
    name, how, keep = item
    from onnx_bridge import BridgeError, convert

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            emitted = convert(made(name, how), name=re.sub(r"\W", "_", name.partition("/")[2]), verify=False).emitted
    except BridgeError as error:
        return name, {"refused": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    except Exception as error:  # a fault, which is to be seen in the comparison
        return name, {"fault": f"{type(error).__name__}: {error}"}
    if keep is not None:
        file = keep / f"{name}.hxx"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(emitted.header, encoding="ascii")
    texts = {part: text.encode() for part, text in parts_of(emitted.header).items()}
    return name, {part: _hash(data) for part, data in (*texts.items(), ("weights", emitted.weights.data))}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def record(args: argparse.Namespace) -> int:
    """Converts and writes the file; returns the exit status."""
    keep = args.keep and args.keep.resolve()
    todo = [(*found, keep) for found in models(args.only, args.models) if re.search(args.match, found[0])]
    results: dict[str, Became] = {}
    with multiprocessing.get_context("spawn").Pool(args.processes, maxtasksperchild=200) as pool:
        for name, what in pool.imap(became, todo):
            results[name] = what
            if sys.stderr.isatty():
                print(f"\r{len(results)} of {len(todo)}  {name:60.60}", end="", file=sys.stderr)
    args.out.write_text(json.dumps(results, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    outcomes = Counter("converted" if "weights" in what else next(iter(what)) for what in results.values())
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    return 0


def differences(before: Mapping[str, Became], after: Mapping[str, Became], parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The models of both that differ, with how."""
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if "weights" in old and "weights" in new:
            changed = [part for part in parts if old[part] != new[part]]
            if changed:
                yield name, ", ".join(changed)
        elif old != new:
            was, now = (what.get("refused") or what.get("fault") or "converted" for what in (old, new))
            yield name, f"{was} -> {now}"


def shown(name: str, folders: Sequence[Path], lines: int) -> None:
    """Prints the first lines of a header that differ, where both headers were kept."""
    files = [folder / f"{name}.hxx" for folder in folders]
    if all(file.exists() for file in files):
        texts = [file.read_text(encoding="ascii").splitlines() for file in files]
        for line in list(difflib.unified_diff(*texts, lineterm="", n=1))[2 : 2 + lines]:
            print(f"    {line}")


def compare(args: argparse.Namespace) -> int:
    """Prints what differs; returns the exit status."""
    before, after = (json.loads(file.read_text(encoding="utf-8")) for file in args.compare)
    folders = args.kept or [file.with_suffix("") for file in args.compare]
    found = list(differences(before, after, args.parts))
    for name, how in found:
        print(f"{name}: {how}")
        if args.diff:
            shown(name, folders, args.diff)
    both = before.keys() & after.keys()
    for what, names in (("only before", before.keys() - both), ("only after", after.keys() - both)):
        if names:
            print(f"{what}: {len(names)} ({', '.join(sorted(names)[:8])}{', ...' if len(names) > 8 else ''})")
    print(f"{len(both)} models, {len(found)} differ" + (f": {dict(Counter(how for _, how in found).most_common(8))}" if found else ""))
    return int(bool(found))


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT.json")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--match", default="", metavar="REGEX", help="models whose names it is found in")
    parser.add_argument("--models", type=Path, metavar="FOLDER")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the headers, too")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE.json", "AFTER.json"))
    parser.add_argument("--kept", nargs=2, type=Path, metavar="FOLDER", help="the headers' folders; by default called as the files")
    parser.add_argument("--diff", type=int, default=0, metavar="LINES", help="show so many changed lines of each header")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    if args.compare:
        return compare(args)
    if args.out is None:
        parser.error("name a file to write, or two with --compare")
    if args.models is None:
        beside = Path(os.environ.get("ONNX_BRIDGE_SHARED", HERE.parent.parent / "shared")) / "models"
        args.models = beside if beside.is_dir() else None
    return record(args)


if __name__ == "__main__":
    sys.exit(main())
