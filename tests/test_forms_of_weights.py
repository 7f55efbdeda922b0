"""How weights come into a program: objects for three linkers, a source for any assembler, text of the header, a file that is found."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from zoo import ZOO

from onnx_bridge import ArgumentError, convert
from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.embed import MOST_AS_TEXT, check_form, symbol
from onnx_bridge.emit.objects import platform
from onnx_bridge.emit.weights import Packing, WeightsImage
from onnx_bridge.toolchain import find_compiler

#: Compilers for other machines, what runs their programs (nothing: they are only linked), and their spelling of the machine.
CROSS = [("x86_64-w64-mingw32-g++-posix", None), ("aarch64-linux-gnu-g++", "qemu-aarch64")]

#: Says where the weights lie and what they sum to, without the header: what is tried is the linking.
PROGRAM = """#include <cstdint>
#include <cstdio>
extern "C" const unsigned char NAME_OF_WEIGHTS[];
int main()
{
   unsigned long long sum = 0;
   for (int i = 0; i < BYTES; i++) sum = sum * 31 % 1000003 + NAME_OF_WEIGHTS[i];
   std::printf("%d %llu", static_cast<int>(reinterpret_cast<std::uintptr_t>(NAME_OF_WEIGHTS) % 64), sum);
}
"""


@pytest.fixture(scope="module")
def made() -> Conversion:
    return convert(ZOO["mlp"](), name="mlp", verify=False)


def expected(image: WeightsImage) -> str:
    total = 0
    for byte in image.data:
        total = (total * 31 % 1000003) + byte
    return f"0 {total}"


@pytest.mark.parametrize(("compiler", "runner"), [(None, ""), *CROSS])
def test_objects_and_sources_are_linked(made: Conversion, tmp_path: Path, compiler: str | None, runner: str | None) -> None:
    """Both have the same bytes, aligned, whatever the machine."""
    if compiler and not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    found = find_compiler(compiler)
    machine = subprocess.run([*found.command, "-dumpmachine"], capture_output=True, text=True, check=True).stdout.strip()
    made.save(tmp_path, "object", machine)
    made.save(tmp_path, "source")
    (tmp_path / "main.cpp").write_text(PROGRAM, encoding="ascii")
    image = made.emitted.weights
    macros = [f"-DNAME_OF_WEIGHTS={symbol('mlp', image)}", f"-DBYTES={image.bytes}", *(["-static"] if compiler else [])]

    for file in (f"mlp{platform(machine).suffix}", "mlp_weights.cpp"):
        program = tmp_path / "program"
        found.run(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *macros, f"-I{tmp_path}", str(tmp_path / "main.cpp"),
                   str(tmp_path / file), "-o", str(program)])  # fmt: skip
        if runner is not None:
            ran = subprocess.run([*([runner] if runner else []), str(program)], capture_output=True, text=True, check=True)
            assert ran.stdout == expected(image), file


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("arm64-apple-darwin23.1.0", ["Mach-O arm64", "__const", "Alignment: 6", "PrivateExtern", "_SYMBOL"]),
        ("x86_64-apple-macos", ["Mach-O 64-bit x86-64", "__const", "PrivateExtern", "_SYMBOL"]),
        ("x86_64-w64-mingw32", ["COFF-x86-64", ".rdata", "IMAGE_SCN_ALIGN_64BYTES", "SYMBOL"]),
        ("aarch64-pc-windows-msvc", ["COFF-ARM64", ".rdata", "SYMBOL"]),
        ("x86_64-linux-gnu", ["elf64-x86-64", ".rodata", "STV_HIDDEN", "Object", "SYMBOL"]),
        ("aarch64-unknown-linux-musl", ["elf64-littleaarch64", ".rodata", "STV_HIDDEN", "SYMBOL"]),
        ("riscv64-linux-gnu", ["elf64-littleriscv", "EF_RISCV_FLOAT_ABI_DOUBLE", "STV_HIDDEN", "SYMBOL"]),
    ],
)
def test_objects_are_what_readers_of_objects_take_them_for(made: Conversion, tmp_path: Path, target: str, said: list[str]) -> None:
    """LLVM's reader finds the section, its bytes and the symbol; and the bytes stand in the file as they are, aligned."""
    made.save(tmp_path, "object", target)
    image = made.emitted.weights
    path = tmp_path / f"mlp{platform(target).suffix}"
    assert path.read_bytes().index(image.data) % 64 == 0
    reader = next((found for name in ("llvm-readobj", "llvm-readobj-19", "llvm-readobj-14") if (found := shutil.which(name))), None)
    if reader is None:
        pytest.skip("llvm-readobj is not installed")

    words = [reader, "--file-headers", "--sections", "--symbols", str(path)]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)

    assert ran.stderr == ""
    for word in said:
        assert word.replace("SYMBOL", symbol("mlp", image)) in ran.stdout, word
    assert re.search(rf"\bSize: (?:0x)?({image.bytes}|{image.bytes:X})\b", ran.stdout.replace("RawDataSize", "Size"))


def test_programs_find_their_weights(made: Conversion, tmp_path: Path) -> None:
    """Linked; in a file beside a shared library, wherever both were moved; in memory that is aligned."""
    made.save(tmp_path / "linked", "object")
    made.save(tmp_path / "file")
    (tmp_path / "library.cpp").write_text(
        '#include "mlp.hxx"\nusing onnx_bridge::mlp::Model;\n'
        'extern "C" const char* opened(const char* file)\n{\n   static std::string error;\n'
        '   if (*file) Model::open(Model::beside(file), error);\n   else Model::open("", error);\n   return error.c_str();\n}\n',
        encoding="ascii",
    )
    (tmp_path / "main.cpp").write_text(
        '#include "mlp.hxx"\nextern "C" const char* opened(const char* file);\n'
        "int main()\n{\n   using namespace onnx_bridge::mlp;\n"
        "   const Model linked, checked(Body::best, Check::all);\n   Workspace ws(linked, {1});\n"
        "   float x[7] = {1, 2, 3, 4, 5, 6, 7}, y[3];\n"
        '   if (!linked.infer(ws, {1}, x, y)) return 1;\n   std::printf("%a %a %a\\n", y[0], y[1], y[2]);\n'
        '   for (const char* file : {"", "data/mlp.dat", "nowhere/mlp.dat"}) std::printf("%s\\n", opened(file));\n}\n',
        encoding="ascii",
    )
    compiler, flags = find_compiler(), ["-std=c++17", "-O0", "-DONNX_BRIDGE_ONLY=4"]
    (tmp_path / "lib" / "data").mkdir(parents=True)
    library, program = tmp_path / "lib" / "libnet.so", tmp_path / "program"
    compiler.run([*flags, "-shared", "-fPIC", f"-I{tmp_path / 'file'}", str(tmp_path / "library.cpp"), "-o", str(library)])
    paths = f"-Wl,-rpath,{tmp_path / 'lib'},-rpath,{tmp_path / 'moved'}"
    linked = [str(tmp_path / "linked" / "mlp.o"), f"-L{library.parent}", "-lnet", paths]
    compiler.run([*flags, f"-I{tmp_path / 'linked'}", str(tmp_path / "main.cpp"), *linked, "-o", str(program)])
    (tmp_path / "empty").mkdir()
    (tmp_path / "file" / "mlp.dat").rename(tmp_path / "lib" / "data" / "mlp.dat")

    def run() -> list[str]:
        return subprocess.run([program], cwd=tmp_path / "empty", capture_output=True, text=True, check=True).stdout.splitlines()

    bits, nothing, beside, nowhere = run()
    (want,) = made.compile()(np.arange(1, 8, dtype=np.float32)[None])
    assert [float.fromhex(word) for word in bits.split()] == pytest.approx(want.tolist(), rel=1e-6)
    assert nothing == "mlp: cannot open weights file mlp.dat: No such file or directory"
    assert beside == ""
    assert nowhere == f"mlp: cannot open weights file {tmp_path}/lib/nowhere/mlp.dat: No such file or directory"
    (tmp_path / "lib").rename(tmp_path / "moved")
    shutil.copy(tmp_path / "moved" / "data" / "mlp.dat", tmp_path / "moved")
    assert run()[1:] == ["", "", nowhere.replace("/lib/", "/moved/")]


def test_what_cannot_be_is_refused_by_name(made: Conversion, tmp_path: Path) -> None:
    """A form that there is not, a machine without objects, more text than compilers take."""
    with pytest.raises(ArgumentError, match="weights: 'embedded' is none of 'file', 'object', 'source', 'header'"):
        made.save(tmp_path, "embedded")
    for machine in ("sparc64-linux-gnu", "x86_64-plan9", "riscv64-windows", "arm64-apple-ios", "linux", ""):
        with pytest.raises(ArgumentError, match=f"target: no objects are written for '{machine}'"):
            made.save(tmp_path, "object", machine)
    packing = Packing()
    packing.add("w", np.zeros(MOST_AS_TEXT, np.uint8))
    with pytest.raises(ArgumentError, match="weights='object' links them"):
        check_form("header", packing.image("large"))
    assert not list(tmp_path.glob("*.o*"))


def test_the_proof_stays(made: Conversion) -> None:
    """What was compared is said in each form, and no form is chosen twice."""
    proven = made.emitted.with_proof(["compared"])

    assert proven.with_weights("file") is proven
    for form in ("object", "source", "header"):
        assert "//   proof      compared\n" in proven.with_weights(form).header
