"""The C++ tests of the kernels (tests/kernels/*_test.cpp), under sanitizers; and plain, as users build them, where slow tests run.

The first line of a test, `// kernels: a.hxx b.hxx`, names the headers under test; they are amalgamated and compiled once for each
instruction set, in namespace kernels::avx512, ::avx2 and ::baseline. A second line `// region: c.hxx` names a file beside the test
that is pasted after them, for what cannot be written outside of a region. A test fails by its exit status.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from onnx_bridge.emit import bodies
from onnx_bridge.emit.amalgamate import KERNELS, amalgamate, definitions
from onnx_bridge.runtime.processor import best_body
from onnx_bridge.targets import bodies_that_differ, words_of
from onnx_bridge.toolchain import cache_folder, find_compiler

FOLDER = Path(__file__).parent / "kernels"
TESTS = sorted(FOLDER.glob("*_test.cpp"))
BUILDS = {
    "plain": ["-O2"],
    "sanitized": ["-Og", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"],
}
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
INCLUDE = re.compile(r'^#include "([a-z0-9_]+\.hxx)"\n', re.MULTILINE)
#: Kernels that stand outside of the regions.
OUTSIDE = ("weights_file.hxx", "canaries.hxx", "checked_size.hxx", "regions.hxx")
SYSTEM = "cmath cstddef cstdint cstdio cstdlib cstring limits string_view type_traits utility"


def named(test: Path, what: str) -> list[str]:
    """The words of a line `// what: ...` at the top of a test."""
    match = re.search(rf"^// {what}:(.*)$", "\n".join(test.read_text(encoding="utf-8").split("\n")[:2]), re.MULTILINE)
    return match[1].split() if match else []


def region_text(test: Path) -> str:
    """What stands inside each region: the kernels, then the test's own drivers."""
    files = [name for name in named(test, "kernels") if "/" not in name]
    drivers = [FOLDER / Path(name).name for name in named(test, "kernels") + named(test, "region") if name not in files]
    texts = [driver.read_text(encoding="ascii").replace("#pragma once\n", "") for driver in drivers]
    files += [name for text in texts for name in INCLUDE.findall(text)]
    return "\n".join([amalgamate(files) if files else "", *(INCLUDE.sub("", text) for text in texts)])


def write_headers(test: Path, folder: Path, here: bool = False) -> Path:
    """The header that a test is compiled after: the regions, each with the kernels.

    With `here`, no bodies but those that this processor runs: the names of the others stand for its best one.
    """
    body = region_text(test)
    words = words_of(body)
    every = targets = bodies_that_differ(words)
    if here:
        best = best_body([target.name for target in every])
        targets = every[[target.name for target in every].index(best) :]
    undefine = bodies.undefined(body, targets, words)
    (folder / "body.hxx").write_text(f"namespace kernels {{ namespace ONNX_BRIDGE_REGION {{\n{body}\n{undefine}\n}}}}\n", encoding="ascii")
    system = "\n".join(f"#include <{name}>" for name in SYSTEM.split())
    regions = bodies.region_text(targets, words)
    included = "#include ONNX_BRIDGE_SELF\n"
    assert included in regions
    itself = regions.replace(included, f"{included}{undefine}\n")  # for a test that includes itself, too, and does not end as a body does
    (folder / "regions.hxx").write_text(f"{itself}\n", encoding="ascii")
    header = folder / "kernels.hxx"
    others = "".join(f"namespace kernels {{ namespace {target.name} = {targets[0].name}; }}\n" for target in every if target not in targets)
    header.write_text(f'{system}\n#define ONNX_BRIDGE_SELF "body.hxx"\n{regions}\n#undef ONNX_BRIDGE_SELF\n{others}', encoding="ascii")
    return header


def built(test: Path, flags: list[str], folder: Path, compiler: str | None = None, here: bool = False) -> Path:
    """The test's program, with all bodies or those that this processor runs.

    It is kept among the built libraries as long as what the preprocessor makes of its sources stays the same.
    """
    cxx = find_compiler(compiler)
    command = [*STRICT, *flags, "-include", str(write_headers(test, folder, here)), f"-I{folder}", f"-I{FOLDER}"]
    cxx.run([*command, "-E", "-P", str(test), "-o", str(folder / "preprocessed")])
    key = hashlib.sha256("\0".join([cxx.version, *cxx.command, *STRICT, *flags]).encode() + (folder / "preprocessed").read_bytes())
    program = cache_folder() / f"{test.stem}-{key.hexdigest()[:32]}"
    if not program.exists():
        cxx.run([*command, str(test), "-o", str(folder / "program")])
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / "program", program)
    return program


@pytest.mark.parametrize("build", [pytest.param("plain", marks=pytest.mark.slow), "sanitized"])
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem.removesuffix("_test"))
def test_kernel(test: Path, build: str, tmp_path: Path) -> None:
    """The test compiles without a warning and exits with 0."""
    program = built(test, BUILDS[build], tmp_path, here=build == "sanitized")

    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900, check=False)

    assert done.returncode == 0, f"{test.name}, {build}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"


def test_no_flag_changes_the_bits_of_a_function(tmp_path: Path) -> None:
    """exp, sin, pow and the like of floats and doubles, on each body: alike with any flags, by any compiler."""
    source = FOLDER / "same_bits.cpp"
    others = [compiler for compiler in ("clang++", "clang++-19", "clang++-14") if shutil.which(compiler)][:1]
    quiet = ["-Wno-unknown-warning-option", "-Wno-invalid-feature-combination"]  # clang warns of what -march=native is on some processors
    builds = [(None, ["-O0"]), *((compiler, ["-O3", "-march=native", "-ffast-math", *quiet]) for compiler in (None, *others))]
    answers = []
    for compiler, flags in builds:
        program = built(source, flags, tmp_path, compiler)
        answers.append(subprocess.run([program], capture_output=True, text=True, timeout=600, check=True).stdout.splitlines())

    assert len(answers[0]) > 100
    for answer in answers[1:]:
        assert [(a, b) for a, b in zip(answers[0], answer, strict=True) if a != b] == []
    hashes = dict(line.rsplit(" ", 1) for line in answers[0])
    for name, value in hashes.items():
        function, body, kind = name.split(" ", 2)
        assert body == "baseline" or value == hashes[f"{function} avx2 {kind}"], f"{function} differs on {body}"
        number = f"{function.replace('lanes', 'numbers')} {body} {kind}"
        assert value == hashes[number], f"{function}: a number alone differs from a lane on {body}"


#: What the C library computes with other bits from version to version. The rest is exact: fma, fmod, sqrt, fabs, floor, ceil, rint, ...
INEXACT = (
    "acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp10 exp2 expm1 hypot lgamma log log10 log1p log2 pow sin sincos "
    "sinh tan tanh tgamma"
).split()


def test_no_kernel_calls_an_inexact_function_of_the_c_library() -> None:
    """Neither by its full name nor by one that no kernel defines."""
    texts = {file.name: file.read_text(encoding="ascii") for file in sorted(KERNELS.glob("*.hxx"))}
    own = set().union(*(definitions(text) for text in texts.values() if "@" not in text))  # where bodies go no function stands
    called = re.compile(rf"((?:std::|__builtin_|(?<![\w>])::)?)\b((?:{'|'.join(INEXACT)})[fl]?)\s*\(")
    for name, text in texts.items():
        found = {scope + function for scope, function in called.findall(re.sub(r"//.*", "", text)) if scope or function not in own}

        assert not found, f"{name} calls {sorted(found)}; what is not in kernels/ yet has to be written there"
    assert {"exp", "sin", "pow"} <= own


def test_kernels_stand_beside_each_other(tmp_path: Path) -> None:
    """No two hold one name for different things, nor does one hide a name of another's: a network may need any of them."""
    every = " ".join(file.name for file in sorted(KERNELS.glob("*.hxx")) if file.name not in OUTSIDE)
    test = tmp_path / "every.cpp"
    test.write_text(f"// kernels: {every}\n", encoding="ascii")

    find_compiler().run([*STRICT, "-fsyntax-only", "-include", str(write_headers(test, tmp_path)), f"-I{tmp_path}", str(test)])


def test_every_kernel_has_a_test() -> None:
    """A header is amalgamated into a test or pasted by one; canaries are tested by test_canaries.py, in the headers that they stand in."""
    texts = {file.name: file.read_text(encoding="ascii") for file in (*KERNELS.glob("*.hxx"), *FOLDER.glob("*.hxx"), *FOLDER.glob("*.cpp"))}
    waiting = [word.split("/")[-1] for test in TESTS for word in named(test, "kernels") + named(test, "region")]
    waiting += re.findall(r'#include ".*?(\w+\.hxx)"', "".join(texts[test.name] for test in TESTS))
    reached = set()
    while waiting:
        if (name := waiting.pop()) in texts and name not in reached:
            reached.add(name)
            waiting += INCLUDE.findall(texts[name])

    assert {file.name for file in KERNELS.glob("*.hxx")} - reached == {"canaries.hxx"}
