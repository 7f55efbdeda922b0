"""Generated headers in C++ programs (tests/cpp): how they compile, what is called, what infer promises."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from check import oracle
from models import model_of, one_node
from onnx import TensorProto, helper, numpy_helper
from test_narrowing import branches, dense, positive
from zoo import ZOO, Net

from onnx_bridge import convert
from onnx_bridge.emit.contract import contract
from onnx_bridge.runtime.compiled import only
from onnx_bridge.sofie import include_dir
from onnx_bridge.toolchain import find_compiler

FOLDER = Path(__file__).parent / "cpp"
WARNINGS = ["-Wconversion", "-Wsign-conversion", "-Weffc++", "-Wfloat-equal"]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", *WARNINGS, "-Werror"]
COMPILERS = ("g++", "g++-11", "clang++", "clang++-14", "clang++-19")
HEADERS = ("mlp", "conv_net", "pair", "plain", "above", "embedded")


def inputs() -> dict[str, dict[str, np.ndarray]]:
    """What the programs give to the models."""
    rng = np.random.default_rng(5)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    return {
        "mlp": {"x": normal(17, 7)}, "conv_net": {"image": normal(5, 3, 15, 13)}, "plain": {"x": normal(2, 5)},
        "pair": {"a": normal(17, 4), "rows": np.array([3, 0, 8, 8, 1, 5])}, "above": {"x": normal(4, 2)},
    }  # fmt: skip


def data() -> str:
    """data.hxx: the inputs, and what onnxruntime makes of them."""
    lines = ["#pragma once", "#include <cstdint>", "namespace data {"]
    for name, given in inputs().items():
        model = ZOO[name]()
        outputs = [output.name for output in model.graph.output]
        arrays = {**given, **dict(zip(outputs, oracle(model).run(None, given), strict=True))}
        for key, array in arrays.items():
            kind = {"f": "float", "i": "std::int64_t", "b": "bool"}[array.dtype.kind]
            short = "conv_net_x" if key == "image" else "conv_net_y" if key == "scores" and name == "conv_net" else f"{name}_{key}"
            numbers = ", ".join(value.hex() if isinstance(value, float) else str(int(value)) for value in array.ravel().tolist())
            lines.append(f"constexpr {kind} {short}[] = {{{numbers}}};")
    return "\n".join([*lines, "}", ""])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The headers, their weights, and data.hxx."""
    made = tmp_path_factory.mktemp("headers")
    for name in (*HEADERS, "lstm_tagger", "windows"):
        model = ZOO["mlp" if name == "embedded" else name]()
        convert(model, name=name, verify=False).save(made, "header" if name == "embedded" else "file")
    (made / "data.hxx").write_text(data(), encoding="ascii")
    return made


Build = Callable[..., Path]


@pytest.fixture
def build(folder: Path, tmp_path: Path) -> Build:
    """Builds a program from files of tests/cpp."""

    def built(*sources: str, flags: Sequence[str] = ("-O1",), compiler: str | None = None) -> Path:
        program = tmp_path / Path(sources[0]).stem
        files = [str(FOLDER / source) for source in sources]
        find_compiler(compiler).run(["-std=c++17", *flags, f"-I{folder}", f"-I{FOLDER}", *files, "-o", str(program), "-pthread"])
        return program

    return built


def run(program: Path, folder: Path, *words: str, **environment: str) -> str:
    """What a program prints; it must exit with 0."""
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1", **environment}
    done = subprocess.run([program, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{program.name} {' '.join(words)}: status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def need(compiler: str) -> str:
    """Skips unless a compiler is here."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    return compiler


def need_sanitizer(tmp_path: Path, flag: str) -> None:
    """Skips unless the compiler has a sanitizer's library, and programs built with it start."""
    source, program = tmp_path / "empty.cpp", tmp_path / "empty"
    source.write_text("int main() {}\n", encoding="ascii")
    done = subprocess.run([*find_compiler().command, flag, source, "-o", program], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        done = subprocess.run([program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no {flag} here: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")


@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", HEADERS)
def test_compiles_without_a_warning(folder: Path, tmp_path: Path, name: str, compiler: str, standard: str) -> None:
    macros = [f'-DHEADER="{name}.hxx"', f"-DMODEL=onnx_bridge::{name}", f"-DSOFIE=TMVA_SOFIE_{name}"]
    level = "-O2" if standard == "c++17" else "-O0"

    find_compiler(need(compiler)).run(
        [f"-std={standard}", level, *STRICT, *macros, f"-I{folder}", "-c", str(FOLDER / "header.cpp"), "-o", str(tmp_path / "header.o")]
    )


@pytest.mark.parametrize("flags", ["-O1", "-march=native", "-O3 -march=native -ffast-math"])
def test_two_headers_in_two_units(folder: Path, tmp_path: Path, flags: str) -> None:
    """Any headers go into one unit and into several, and units built for different processors give the same bits."""
    objects = []
    for source, own in (("two_headers.cpp", "-O1"), ("two_headers_other.cpp", flags)):
        objects.append(str(tmp_path / f"{source}.o"))
        words = ["-std=c++17", *STRICT, *own.split(), f"-I{folder}", f"-I{FOLDER}"]
        find_compiler().run([*words, "-c", str(FOLDER / source), "-o", objects[-1]])
    for order in (objects, objects[::-1]):  # the linker keeps what it sees first
        find_compiler().run([*order, "-o", str(tmp_path / "program")])
        run(tmp_path / "program", folder)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_sofie_calls(folder: Path, build: Build, compiler: str) -> None:
    run(build("calls.cpp", flags=("-O1", f"-I{include_dir()}"), compiler=need(compiler)), folder)


def test_infer_allocates_nothing(folder: Path, build: Build) -> None:
    program = build("allocations.cpp", "count_allocations.cpp", flags=["-O2"])

    run(program, folder)


def test_threads_share_a_model(folder: Path, build: Build, tmp_path: Path) -> None:
    need_sanitizer(tmp_path, "-fsanitize=thread")

    run(build("threads.cpp", flags=["-O1", "-g", "-fsanitize=thread"]), folder)


def test_odd_sizes_and_pointers_under_sanitizers(folder: Path, build: Build, tmp_path: Path) -> None:
    need_sanitizer(tmp_path, "-fsanitize=address,undefined")

    run(build("sizes.cpp", flags=["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]), folder)


def open_net() -> onnx.ModelProto:
    """Two open sizes, weights, and names that are macros of windows.h."""
    nodes = [helper.make_node("Mul", ["near", "far"], ["min"]), helper.make_node("Softmax", ["min"], ["small"], axis=1)]
    nodes.append(helper.make_node("Exp", ["small"], ["max"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", "M", 3]) for name in ("near", "max")]
    weights = numpy_helper.from_array(np.array([1, 2, 3], np.float32), "far")
    return model_of(helper.make_graph(nodes, "open", ends[:1], ends[1:], [weights]))


def test_without_exceptions_or_itself(folder: Path, build: Build, tmp_path: Path) -> None:
    """Model::open and Workspace::make do not throw; sizes that overflow are refused; macros of windows.h do no harm."""
    need_sanitizer(tmp_path, "-fsanitize=undefined")
    convert(open_net(), name="open", verify=False, self_include=False).emitted.write(folder)
    flags = ["-O1", "-g", "-fno-exceptions", "-fno-rtti", "-fsanitize=undefined", "-fno-sanitize-recover=all"]

    run(build("no_exceptions.cpp", flags=[*flags, *STRICT, only()]), folder)


def test_32_bits(folder: Path, tmp_path: Path) -> None:
    """The same where a std::size_t has 32 bits."""
    convert(open_net(), name="open", verify=False, self_include=False).emitted.write(folder)
    need("qemu-arm")
    words = ["-std=c++17", "-O1", "-static", "-fno-exceptions", "-fno-rtti", *STRICT, f"-I{folder}"]
    find_compiler(need("arm-linux-gnueabihf-g++")).run([*words, str(FOLDER / "no_exceptions.cpp"), "-o", str(tmp_path / "program")])

    done = subprocess.run(["qemu-arm", tmp_path / "program"], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


def test_attention_of_a_known_length(tmp_path: Path) -> None:
    """GCC finds nothing undefined in the tail of a row of scores that has none."""
    net = Net("attend")
    q, k, v = (net.input(name, ("B", 4, 64, 16)) for name in "qkv")
    scores = net("MatMul", q, net("Transpose", k, perm=[0, 1, 3, 2]))
    model = net.floats(y=(net("MatMul", net("Softmax", net("Mul", scores, net.constant(0.25, np.float32)), axis=-1), v), ("B", 4, 64, 16)))
    header = convert(model, name="attend", verify=False).emitted.write(tmp_path)
    assert "exponentiate<" in header.read_text(encoding="ascii")
    (tmp_path / "use.cpp").write_text('#include "attend.hxx"\nconst onnx_bridge::attend::Model model;\n', encoding="ascii")

    words = ["-std=c++17", "-O2", *STRICT, only()]
    find_compiler().run([*words, "-c", str(tmp_path / "use.cpp"), "-o", str(tmp_path / "use.o")])


def test_contract_of_infer(folder: Path) -> None:
    """The header says what infer refuses and writes: of loops that end by data only where there are some."""
    ends_early = convert(branches(positive, lambda net, x: net("Relu", x), dense), name="chosen", verify=False).emitted.header
    plain = (folder / "mlp.hxx").read_text(encoding="ascii")
    early, always = (" ".join(text.replace("///", "").split()) for text in (ends_early, plain))

    assert "data takes a branch or ends a loop" in early and "data takes a branch" not in always
    for text in (early, always):
        assert "then nothing is written" in text and "Outputs overlap neither inputs nor one another nor the Workspace" in text


def test_banner_names_functions_of_the_library() -> None:
    """The banner promises the same bits without an exception only where the code calls no function whose bits are the library's."""
    assert "but for" not in " ".join(contract("y = __builtin_floor(x) + __builtin_sqrt(x) + __builtin_fmaf(x, x, x);"))
    assert "C library computes (exp, powf)" in " ".join(contract("__builtin_powf(x, 2) + __builtin_exp(x)"))


def test_text_and_renamed_files(folder: Path, tmp_path: Path) -> None:
    """A header that does not include itself is compiled from standard input; one that does, under another name."""
    rows = one_node("Softmax", dtype=TensorProto.DOUBLE)  # with constants of which it uses some
    text = convert(rows, name="plain", verify=False, self_include=False).emitted.header
    use = "int main() { const onnx_bridge::plain::Model model; return 0; }\n"
    assert "ONNX_BRIDGE_SELF" not in text and "ONNX_BRIDGE_SELF" in (folder / "plain.hxx").read_text(encoding="ascii")
    (tmp_path / "other.name.h").write_bytes((folder / "plain.hxx").read_bytes())
    (tmp_path / "use.cpp").write_text(f'#include "{tmp_path}/other.name.h"\n{use}', encoding="ascii")
    for compiler in filter(shutil.which, ("g++", "g++-11", "clang++-19")):
        words = [compiler, "-std=c++17", "-fsyntax-only", "-DONNX_BRIDGE_ONLY=4", *STRICT]
        subprocess.run([*words, "-x", "c++", "-"], input=f"{text}{use}", text=True, check=True, timeout=300, cwd=tmp_path)
        subprocess.run([*words, "use.cpp"], check=True, timeout=300, cwd=tmp_path)
        itself = (folder / "plain.hxx").read_bytes()
        piped = subprocess.run([*words, "-x", "c++", "-"], input=itself, capture_output=True, cwd=tmp_path, check=False)
        assert piped.returncode != 0 and b"convert with self_include=False" in piped.stderr, compiler


def test_lines_are_short(folder: Path) -> None:
    """Code of any model breaks its lines: those of the plan and of calls, too."""
    nets = [convert(ZOO[name](), name=name, verify=False).emitted.header for name in ("transformer", "rollout", "lstm_tagger")]

    assert max(len(line) for text in nets for line in text.splitlines()) <= 160


def test_bodies_and_workspaces(folder: Path, build: Build) -> None:
    run(build("model.cpp", flags=["-O2"]), folder)


def test_weights_that_do_not_fit(folder: Path, build: Build, tmp_path: Path) -> None:
    """Any other file or memory than the model's own is refused when the model is made, and the message says which and why."""
    program = build("weights.cpp")
    good = (folder / "mlp.dat").read_bytes()
    damaged, head = bytearray(good), bytearray(good)
    damaged[-100] ^= 0x10
    head[40] ^= 1
    files = {
        "good.dat": good, "short.dat": good[:-64], "cut.dat": good[:100], "long.dat": good + bytes(64), "damaged.dat": bytes(damaged),
        "head.dat": bytes(head), "other.dat": (folder / "conv_net.dat").read_bytes(), "empty.dat": b"",
    }  # fmt: skip
    reasons = {
        "short.dat": f"has {len(good) - 64} bytes, expected {len(good)}",
        "long.dat": f"has {len(good) + 64} bytes, expected {len(good)}",
        "cut.dat": f"has 100 bytes, expected {len(good)}",
        "empty.dat": f"has 0 bytes, expected {len(good)}",
        "damaged.dat": "is damaged: checksum",
        "head.dat": "holds the weights of another model",
        "other.dat": "holds the weights of another model",
    }

    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        said = dict(line.split(": ", 1) for line in run(program, tmp_path, name).splitlines())
        reason = reasons.get(name)
        if reason is None:
            assert said["file"] == said["session"] == said["memory"] == "nothing"
            assert said["misaligned"] == "mlp: memory is not aligned to 64 bytes"
            continue
        assert said["file"].startswith(f"mlp: {name} {reason}")
        assert said["session"] == said["file"]
        assert said["memory"].startswith(f"mlp: memory {reason}")
        assert said["misaligned"] != "nothing"
    assert run(program, tmp_path, "missing.dat").splitlines()[0] == (
        "file: mlp: cannot open weights file missing.dat: No such file or directory"
    )
    assert run(program, tmp_path, str(tmp_path)).splitlines()[0] == (f"file: mlp: cannot open weights file {tmp_path}: not a regular file")


def test_weights_file_is_safetensors(folder: Path) -> None:
    """The library of that format opens the file and finds the arrays, and what aligns them."""
    safetensors = pytest.importorskip("safetensors")
    initializers = {t.name: onnx.numpy_helper.to_array(t) for t in ZOO["mlp"]().graph.initializer}

    with safetensors.safe_open(folder / "mlp.dat", framework="np") as file:
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (no mapping)
        metadata = file.metadata()

    assert metadata["format"] == "onnx_bridge" and metadata["model"] == "mlp"
    found = [array.ravel() for key, array in arrays.items() if not key.startswith("pad.")]
    for bias in (value for value in initializers.values() if value.ndim == 1):
        assert any(np.array_equal(array[: bias.size], bias) for array in found), bias.shape


def test_same_bytes_again(folder: Path, tmp_path: Path) -> None:
    """A header does not depend on what was generated before, nor on the order in which a process hashes strings."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nimport zoo; from onnx_bridge import convert\n"
        "for name in sys.argv[3:]: convert(zoo.ZOO[name](), name=name, verify=False).emitted.write(sys.argv[2])\n"
    )
    names = [*(name for name in HEADERS if name != "embedded"), "lstm_tagger", "transformer", "either", "rollout"]
    for name in names:
        if not (folder / f"{name}.hxx").exists():
            convert(ZOO[name](), name=name, verify=False).emitted.write(folder)
    for seed in ("1", "2"):
        made = tmp_path / seed
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", code, str(FOLDER.parent), str(made), *names], env=env, check=True, timeout=600)
        for name in names:
            convert(ZOO[name](), name=name, verify=False).emitted.write(tmp_path / "here")
            for suffix in (".hxx", ".dat"):
                first = (folder / f"{name}{suffix}").read_bytes()
                assert (made / f"{name}{suffix}").read_bytes() == first
                assert (tmp_path / "here" / f"{name}{suffix}").read_bytes() == first
