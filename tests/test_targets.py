"""targets/: which bodies a header holds; that each is compiled for its instructions, and found on the processors that have it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from models import dense_answer, dense_net

from onnx_bridge import InferenceError, convert
from onnx_bridge.emit import header
from onnx_bridge.emit.bodies import body_enumerators, choices, detection, includes, region_text, undefined
from onnx_bridge.runtime.compiled import compile_emitted
from onnx_bridge.runtime.processor import best_body
from onnx_bridge.targets import REGISTERS, TARGETS, Target, bodies_that_differ, has, words_of
from onnx_bridge.toolchain import find_compiler

ALL = frozenset({REGISTERS, *(has(feature) for target in TARGETS for feature in target.features)})

#: What Linux calls, in /proc/cpuinfo, the instructions of a target.
CPUINFO = {
    "avx2": "avx2 fma", "avx2_vnni": "avx2 fma avx_vnni", "avx512": "avx512f avx512bw avx512dq avx512vl avx2 fma",
    "avx512_vnni": "avx512f avx512bw avx512dq avx512vl avx512_vnni", "avx512_bf16": "avx512f avx512_vnni avx512_bf16",
    "neon": "asimd", "neon_dot": "asimd asimddp",
}  # fmt: skip

#: Prints a line a body that is there: its name, whether it can run, lanes, registers, features. The instruction that a feature is named
#: for stands in each body, so that a compiler that was not told of it refuses.
PROGRAM = """
#include <cstdio>
namespace ONNX_BRIDGE_REGION {
typedef float vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef int ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
inline vec twice(vec x) { return x + x; }
#if defined(ONNX_BRIDGE_HAS_VNNI) && ONNX_BRIDGE_LANES == 16
__attribute__((used)) static ivec dot(ivec a, ivec b, ivec c) { return __builtin_ia32_vpdpbusd@512@(a, b, c); }
#elif defined(ONNX_BRIDGE_HAS_VNNI)
__attribute__((used)) static ivec dot(ivec a, ivec b, ivec c) { return __builtin_ia32_vpdpbusd@256@(a, b, c); }
#elif defined(ONNX_BRIDGE_HAS_DOT)
__attribute__((used)) static int32x4_t dot(int8x16_t a, int8x16_t b, int32x4_t c) { return vdotq_s32(c, a, b); }
#endif
static int run()
{
   float numbers[ONNX_BRIDGE_LANES] = {1};
   vec x;
   __builtin_memcpy(&x, numbers, sizeof(x));
   x = twice(x);
   __builtin_memcpy(numbers, &x, sizeof(x));
   std::printf("%d %d %d", numbers[0] == 2, ONNX_BRIDGE_LANES, ONNX_BRIDGE_REGISTERS);
@FEATURES@
   std::printf("\\n");
   return 0;
}
}
"""


def program(folder: Path, builtins: tuple[str, str]) -> Path:
    """A program that runs every body that this processor can run, and prints what each is."""
    body = PROGRAM.replace("@512@", builtins[0]).replace("@256@", builtins[1])
    features = sorted({feature for target in TARGETS for feature in target.features})
    asked = "\n".join(f'#if defined({has(f)})\n   std::printf(" {f}");\n#endif' for f in features)
    body = body.replace("@FEATURES@", asked)
    targets = bodies_that_differ(ALL)
    (folder / "body.hxx").write_text(f"{body}{undefined(body, targets, ALL)}\n")
    numbers = ", ".join(str(target.number) for target in targets)
    (folder / "all.cpp").write_text(
        f"{includes(targets)}#include <cstdio>\n#if defined(__aarch64__)\n#include <arm_neon.h>\n#endif\n"
        f'#define ONNX_BRIDGE_SELF "body.hxx"\n{region_text(targets, ALL)}\n{detection(targets)}\n'
        f"enum class Body {{ {body_enumerators(targets)} }};\nint main()\n{{\n"
        f"   const int numbers[] = {{{numbers}}};\n   for (const int number : numbers) {{\n"
        "   const auto runs = [number](Body body) { return static_cast<int>(body) == number && can_run(number); };\n"
        f"   int (*run_)() = nullptr;\n{choices(targets)}\n   if (run_ != nullptr) run_();\n   }}\n}}\n"
    )
    return folder / "all.cpp"


def lines_of(text: str) -> list[tuple[int, int, set[str]]]:
    """Lanes, registers and features of each printed line; that the body's arithmetic was right is looked at here."""
    rows = [line.split() for line in text.splitlines()]
    assert all(row[0] == "1" for row in rows)
    return [(int(row[1]), int(row[2]), set(row[3:])) for row in rows]


def runs_by_cpuinfo(target: Target, flags: set[str]) -> bool:
    return set(CPUINFO.get(target.name, "").split()) <= flags and (target.name == "baseline" or bool(target.architecture.macro))


@pytest.mark.parametrize("compiler", ["g++", "clang++", "clang++-14", "clang++-19"])
def test_every_target_is_compiled_for_its_instructions_and_found(compiler: str, tmp_path: Path) -> None:
    """All bodies of this architecture, each with an instruction of its own; the ones that run are those that /proc/cpuinfo tells of."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    builtins = ("512", "256") if compiler.startswith("clang") else ("_v16si", "_v8si")
    source = program(tmp_path, builtins)
    subprocess.run([compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", str(source), "-o", str(tmp_path / "all")], check=True)
    ran = subprocess.run([tmp_path / "all"], check=True, capture_output=True, text=True).stdout

    cpuinfo = Path("/proc/cpuinfo").read_text()
    flags = set(re.findall(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)[0].split())
    expected = [(t.lanes, t.registers, set(t.features)) for t in TARGETS if runs_by_cpuinfo(t, flags)]
    assert lines_of(ran) == expected


def test_every_target_can_be_looked_up() -> None:
    """Names and numbers are each one's own, those that users know stay, and this test knows how Linux names what each needs."""
    numbers = {target.name: target.number for target in TARGETS}

    assert len(set(numbers.values())) == len(numbers) == len(TARGETS)
    assert {"baseline": 4, "avx2": 8, "avx512": 16}.items() <= numbers.items()
    assert set(CPUINFO) == set(numbers) - {"baseline"}


ARM = shutil.which("aarch64-linux-gnu-g++")


@pytest.mark.skipif(ARM is None, reason="no cross compiler for arm64")
@pytest.mark.parametrize(("processor", "names"), [("cortex-a53", ["neon", "baseline"]), ("max", ["neon_dot", "neon", "baseline"])])
def test_arm64(processor: str, names: Sequence[str], tmp_path: Path) -> None:
    """The same on arm64, where the instructions for products of bytes are asked of the system."""
    source = program(tmp_path, ("", ""))
    subprocess.run([str(ARM), "-std=c++17", "-O1", "-static", "-Wall", "-Werror", str(source), "-o", str(tmp_path / "all")], check=True)
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("built; nothing to run it with")
    ran = subprocess.run(["qemu-aarch64", "-cpu", processor, tmp_path / "all"], check=True, capture_output=True, text=True).stdout

    assert lines_of(ran) == [(t.lanes, t.registers, set(t.features)) for t in TARGETS if t.name in names]


@pytest.mark.parametrize(
    ("asked", "bodies"),
    [
        ([], "avx512 avx2 baseline"),
        (["vnni"], "avx512_vnni avx512 avx2_vnni avx2 baseline"),
        (["bf16"], "avx512_bf16 avx512 avx2 baseline"),
        (["vnni", "bf16"], "avx512_bf16 avx512_vnni avx512 avx2_vnni avx2 baseline"),
        (["dot"], "avx512 avx2 neon_dot baseline"),
        (["neon"], "avx512 avx2 neon baseline"),
        (["avx2"], "avx512 avx2 baseline"),
    ],
)
def test_a_header_holds_the_bodies_that_differ(asked: list[str], bodies: str) -> None:
    """Those that kernels tell apart by what they ask for; of the same text, the one that most processors run."""
    assert [t.name for t in bodies_that_differ(frozenset(has(feature) for feature in asked))] == bodies.split()


def test_what_no_target_has_is_no_feature() -> None:
    with pytest.raises(ValueError, match="ONNX_BRIDGE_HAS_VNI"):
        words_of("#if defined(ONNX_BRIDGE_HAS_VNI)\n")


def test_a_kernel_that_asks_for_a_feature_makes_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a model to a header with a planted kernel: more bodies, each with its own sum, found by name and by what the processor has."""
    planted = "#if defined(ONNX_BRIDGE_HAS_VNNI)\n#define ONNX_BRIDGE_PLANTED 1\n#endif\n"
    made = header.amalgamate
    monkeypatch.setattr(header, "amalgamate", lambda *args: made(*args) + planted)
    emitted = convert(dense_net(), name="planted", verify=False).emitted
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)

    assert emitted.bodies == ("avx512_vnni", "avx512", "avx2_vnni", "avx2", "baseline")
    assert "enum class Body { best = 0, baseline = 4, avx2 = 8, avx2_vnni = 9, avx512 = 16, avx512_vnni = 17 };" in emitted.header
    best = best_body(emitted.bodies)
    runnable = emitted.bodies[emitted.bodies.index(best) :]
    for body in ("best", best, "baseline"):
        np.testing.assert_allclose(compile_emitted(emitted, body=body, flags=["-O0"])(x), dense_answer(x), rtol=1e-6, atol=1e-6)
    assert best_body(runnable[1:]) in runnable[1:]


def test_a_body_that_the_header_lacks_is_refused() -> None:
    """Though there is such a target."""
    emitted = convert(dense_net(), name="plain", verify=False).emitted

    assert emitted.bodies == ("avx512", "avx2", "baseline")
    with pytest.raises(InferenceError, match="body must be one of best, baseline, avx2, avx512, not 'avx512_vnni'"):
        compile_emitted(emitted, body="avx512_vnni")


@pytest.mark.parametrize("number", [17, 5, 7])
def test_only_a_body_that_is_there_can_be_compiled_alone(number: int, tmp_path: Path) -> None:
    """A number that the header has no body for is refused by name, whether it is another target's or nobody's."""
    convert(dense_net(), name="plain", verify=False).emitted.write(tmp_path)
    (tmp_path / "all.cpp").write_text('#include "plain.hxx"\n')
    command = [*find_compiler().command, "-std=c++17", "-fsyntax-only", f"-DONNX_BRIDGE_ONLY={number}", str(tmp_path / "all.cpp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode
    assert "ONNX_BRIDGE_ONLY must be the number of a body that this header has for this processor: 16, 8 or 4" in done.stderr
