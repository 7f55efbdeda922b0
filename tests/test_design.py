"""The design, held: who may import whom, what registers itself, what is public, what importing costs, what the README claims."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

import onnx_bridge
import onnx_bridge.kernel_operators
import onnx_bridge.operators
from onnx_bridge.emit.amalgamate import KERNELS
from onnx_bridge.ir import ROperator
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.library.composite import Composite
from onnx_bridge.passes import KERNEL_PASSES, ONNX_PASSES
from onnx_bridge.passes.base import Pass
from onnx_bridge.select import RULES
from onnx_bridge.select.rule import Rule
from onnx_bridge.targets import TARGETS, has

PACKAGE = Path(onnx_bridge.__file__).parent

#: The rooms, and which of ours each may import. `errors`, `version` and `judge` are open to all.
WALLS: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "hooks": set(),
    "graphs": set(),
    "judge": set(),
    "processes": set(),
    "references": {"graphs", "processes"},
    "ir": {"hooks"},
    "library": {"ir"},
    "operators": {"ir", "kernels", "library"},
    "kernel_operators": {"ir", "kernels", "library"},
    "custom": {"graphs", "ir", "library", "operators"},
    "frontends": {"custom", "graphs", "processes", "references"},
    "normalize": {"custom", "graphs", "references"},
    "lowering": {"graphs", "ir", "library", "operators"},
    "passes": {"ir", "library", "operators", "kernel_operators"},
    "select": {"ir", "library", "operators", "kernel_operators", "kernels", "passes"},
    "optimise": {"ir", "passes", "select"},
    "kernels": {"ir", "library"},
    "targets": set(),
    "emit": {"ir", "passes", "targets"},  # passes: the memory plan that it writes down
    "toolchain": set(),
    "runtime": {"ir", "emit", "processes", "targets", "toolchain"},
    "verify": {"graphs", "ir", "emit", "processes", "references", "runtime"},
    "conversion": {"ir", "emit", "toolchain", "runtime", "verify"},
    "origin": {"ir", "frontends", "normalize", "verify"},
    "arguments": {"ir", "optimise"},
    "pipeline": {"arguments", "origin", "conversion"}
    | {"custom", "ir", "frontends", "normalize", "lowering", "optimise", "emit", "references", "runtime", "verify"},
    "backend": {"pipeline", "runtime"},
    "root": {"conversion", "emit", "ir", "runtime", "toolchain"},
    "engines": {"runtime"},
    "sofie": {"conversion", "custom", "emit", "ir", "normalize", "pipeline"},  # SOFIE's Python: ONNX built from its calls, and `convert`
    "demo": {"pipeline"},
    "cli": {"pipeline", "custom", "emit", "frontends", "operators", "ir", "demo"},
    "__main__": {"cli"},
    "__init__": {"hooks", "optimise", "pipeline", "conversion", "custom", "ir", "passes", "emit", "runtime"},
}
OPEN = {"errors", "version", "judge"}

#: Who may import what is not ours; numpy is open to all. Nothing after lowering/ knows ONNX, nothing after frontends/ a framework.
FOREIGN: dict[str, set[str]] = {
    "frontends": {"onnx", "onnx_ir", "onnxruntime", "onnxscript", "torch", "tensorflow", "tf2onnx", "keras", "tf_keras", "h5py"}
    | {"jax", "jax2onnx", "flax", "sklearn", "skl2onnx", "onnxmltools"},
    "graphs": {"onnx"},
    "ir": {"ml_dtypes"},
    "normalize": {"onnx", "google"},
    "lowering": {"onnx"},
    "custom": {"onnx", "onnxscript"},
    "origin": {"onnx"},
    "pipeline": {"onnx"},
    "backend": {"onnx"},
    "sofie": {"onnx"},
    "conversion": {"onnx"},
    "processes": {"ml_dtypes"},
    "references": {"onnx", "onnxruntime"},
    "verify": {"onnx"},
    "demo": {"onnx", "onnxruntime"},
    "cli": {"rich"},
    "root": {"ROOT"},
    "engines": {"awkward"},
    "runtime": {"numba"},
}


def sources() -> Iterator[tuple[str, Path]]:
    """Every Python file of the package with its room."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever it does; `from onnx_bridge import x` counts as onnx_bridge.x."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "onnx_bridge" else [module]


def test_every_room_has_its_walls() -> None:
    assert {room for room, _ in sources()} <= WALLS.keys()


def test_the_rooms_stand_above_one_another() -> None:
    """No circle: graphlib raises CycleError on one."""
    assert list(TopologicalSorter(WALLS).static_order())


def test_no_wall_is_broken() -> None:
    broken = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for room, path in sources()
        for module in imports(path)
        if module.startswith("onnx_bridge.") and (to := module.split(".")[1]) != room and to not in WALLS[room] | OPEN
    ]

    assert not broken


def test_no_file_is_long() -> None:
    """Whoever reads one has it in his head: at most 400 lines."""
    assert not [f"{path.relative_to(PACKAGE)}: {count}" for _, path in sources() if (count := len(path.read_text().splitlines())) > 400]


def test_the_outside_is_known_where_it_may_be() -> None:
    broken = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for room, path in sources()
        for module in imports(path)
        if module.partition(".")[0] not in sys.stdlib_module_names | {"onnx_bridge", "numpy"} | FOREIGN.get(room, set())
    ]

    assert not broken


# ---- the two dialects


def reached(path: Path, seen: set[Path]) -> set[str]:
    """The modules that a file imports, those of its own room followed."""
    seen.add(path)
    found = set(imports(path))
    for module in list(found):
        inner = PACKAGE.parent / Path(*module.split(".")).with_suffix(".py")
        if inner.parent == path.parent and inner.exists() and inner not in seen:
            found |= reached(inner, seen)
    return found


@pytest.mark.parametrize("step", list(dict.fromkeys((*ONNX_PASSES, *KERNEL_PASSES))), ids=lambda step: step.name)
def test_a_pass_knows_nothing_of_the_other_dialect(step: type[Pass]) -> None:
    """Nor does what it is helped by. Nor does it forget to say which its own is: what knows neither takes either."""
    rooms = {Dialect.ONNX: "onnx_bridge.operators", Dialect.KERNEL: "onnx_bridge.kernel_operators"}
    foreign = [room for dialect, room in rooms.items() if dialect not in (step.takes, step.gives)]
    used = {module for module in reached(Path(inspect.getfile(step)), set()) for room in foreign if module.startswith(room)}

    assert not used


def test_every_step_says_what_it_takes_and_gives() -> None:
    """ONNX's dialect, the rules, and from then on the kernels'."""
    assert {(step.takes, step.gives) for step in ONNX_PASSES} <= {(Dialect.ONNX, Dialect.ONNX), (None, None)}
    assert {(rule.takes, rule.gives) for rule in RULES} == {(Dialect.ONNX, Dialect.KERNEL)}
    assert {(step.takes, step.gives) for step in KERNEL_PASSES} <= {(Dialect.KERNEL, Dialect.KERNEL), (None, None)}


def test_every_operator_is_of_its_rooms_dialect() -> None:
    """And the registry, which files are read by, has operators of ONNX alone."""
    rooms = {"operators": Dialect.ONNX, "kernel_operators": Dialect.KERNEL}
    wrong = [cls.__name__ for cls in operator_classes() if cls.dialect is not rooms[cls.__module__.split(".")[1]]]

    assert not wrong
    assert all(cls.dialect is Dialect.ONNX for classes in REGISTRY.values() for cls in classes)


def test_every_operator_is_selected_or_its_own_kernel() -> None:
    """What neither emits itself, nor is made of others, nor is a view, nor is known at conversion, a rule is about."""
    ruled = tuple(cls for rule in RULES if issubclass(rule, Rule) for cls in rule.of)
    lost = [
        cls.__name__
        for classes in REGISTRY.values()
        for cls in classes
        if cls.emit is ROperator.emit and cls.values is ROperator.values and not cls.is_view and not issubclass(cls, (Composite, *ruled))
    ]

    assert not lost


def test_a_target_is_named_in_its_own_file_alone() -> None:
    """Neither code nor words elsewhere know an instruction set, by its name or by an instruction: they ask the records."""
    names = {target.name for target in TARGETS} - {"baseline"}  # an English word; as a name it is quoted
    instructions = {word for t in TARGETS for word in re.findall(r"\w{3,}", f"{t.gcc} {t.clang}")} - {"fma", "arch"}
    named = re.compile(rf"\b(?:{'|'.join(sorted(names | instructions))}|sse\d?|avx\w*|neon\w*)\b|[\"']baseline[\"']", re.IGNORECASE)
    found = {path.relative_to(PACKAGE): named.findall(path.read_text()) for room, path in sources() if room != "targets"}

    assert len(names) > 5
    assert {path: words for path, words in found.items() if words} == {}


# ---- front ends

#: Modules that their packages promise nothing of.
INSIDES = re.compile(r"(tf2onnx|jax2onnx|keras\.src|tensorflow\.python|torch\.onnx\._internal|(torch|jax|keras|tensorflow)\._\w+)(\.\w+)+")

#: Names with one underscore that are promised: those of named tuples.
PROMISED = {"_fields", "_replace", "_asdict"}


def insides(path: Path) -> Iterator[str]:
    """What a file uses that another package does not promise: private names of others, and modules that are its own matter."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[object] = []
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
            found.append(node.attr)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("getattr", "hasattr", "setattr", "delattr", "_private")
        ):
            found += [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and INSIDES.fullmatch(node.value.replace(":", ".")):
            yield f"{path.relative_to(PACKAGE)}:{node.lineno} names {node.value}"
        for name in found:
            if isinstance(name, str) and re.match("_[^_]", name) and name not in PROMISED:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} uses {name}"


def test_the_insides_of_frameworks_are_used_in_one_file_each() -> None:
    """In `internals.py`, which says of each the versions that have it."""
    files = [path for room, path in sources() if room == "frontends"]
    used = {path: list(insides(path)) for path in files}
    used = {path: [*found, *(f"{path} imports {m}" for m in imports(path) if INSIDES.fullmatch(m))] for path, found in used.items()}

    assert not [line for path, found in used.items() if path.name != "internals.py" for line in found]
    assert {path.parent.name for path, found in used.items() if found} == {"keras", "torch", "jax", "sklearn"}, "else nothing is looked at"


# ---- operators and kernels


def operator_classes() -> Iterator[type[ROperator]]:
    """Every class of operators/ and kernel_operators/ that is an ROperator."""
    for room in (onnx_bridge.operators, onnx_bridge.kernel_operators):
        for found in pkgutil.iter_modules(room.__path__):
            module = importlib.import_module(f"{room.__name__}.{found.name}")
            for value in vars(module).values():
                if inspect.isclass(value) and issubclass(value, ROperator) and value.__module__ == module.__name__:
                    yield value


def test_every_operator_registers_itself() -> None:
    """A class that nobody derives from has a name, from @operator or, if only passes make it, its own; with test cases it is registered."""
    registered = {cls for classes in REGISTRY.values() for cls in classes}
    leaves = [cls for cls in operator_classes() if cls not in registered and not cls.__subclasses__()]

    assert not [cls.__name__ for cls in leaves if not cls.op_type or cls.cases]


def test_no_operator_file_is_an_orphan() -> None:
    """Each file of operators/ registers something, or another file imports it."""
    registering = {cls.__module__ for classes in REGISTRY.values() for cls in classes}
    imported = {module for _, path in sources() for module in imports(path)}
    files = {f"onnx_bridge.operators.{found.name}" for found in pkgutil.iter_modules(onnx_bridge.operators.__path__)}

    assert not files - registering - imported


@pytest.mark.parametrize(("domain", "name"), sorted(REGISTRY), ids=lambda part: part or "ai.onnx")
def test_every_operator_says_what_it_does(domain: str, name: str) -> None:
    """A docstring of its own, cases, and kernels that exist."""
    for cls in REGISTRY[domain, name]:
        assert (cls.__doc__ or "").strip() and not (cls.__doc__ or "").startswith(f"{cls.__name__}(")
        assert all((KERNELS / file).is_file() for file in cls.kernels)


@pytest.mark.parametrize("kernel", sorted(KERNELS.glob("*.hxx")), ids=lambda path: path.stem)
def test_every_kernel_header_says_its_contract(kernel: Path) -> None:
    """ASCII; the first line names the file; what it includes is there."""
    text = kernel.read_text(encoding="ascii")

    assert text.startswith(f"// {kernel.name}:")
    assert all((KERNELS / name).is_file() for name in re.findall(r'^#include "(.*)"$', text, re.MULTILINE))


def test_kernels_ask_for_instructions_by_feature() -> None:
    """What only some processors have stands behind a test of a target's feature, never of how many lanes it has."""
    found = 0
    for kernel in sorted(KERNELS.glob("*.hxx")):
        conditions: list[str] = []
        for line in kernel.read_text(encoding="ascii").splitlines():
            if line.startswith("#if"):
                conditions.append(line)
            elif line.startswith(("#elif", "#else")):
                conditions[-1] = line
            elif line.startswith("#endif"):
                conditions.pop()
            elif "__builtin_ia32_" in line and "ps(" not in line:  # minps and maxps of SSE2, every x86-64 has them
                found += 1
                assert any(has("") in condition for condition in conditions), f"{kernel.name}: {line}"

    assert found > 10


# ---- the face of the package


BEFORE = ["", "onnx_bridge.convert", "onnx_bridge.check", "import onnx_bridge.pipeline", "import onnx_bridge.cli"]


def test_no_module_is_called_like_a_public_name() -> None:
    """Importing it would hide the name."""
    assert not set(onnx_bridge.__all__) & {found.name for found in pkgutil.iter_modules(onnx_bridge.__path__)}


@pytest.mark.parametrize("before", BEFORE)
def test_the_public_names_are_those_of_init(before: str, tmp_path: Path) -> None:
    """All of __all__ can be had, whatever was imported or used before, and nothing else is offered."""
    script = (
        "import onnx_bridge, types\n"
        f"{before}\n"
        "names = onnx_bridge.__all__\n"
        "assert names and len(set(names)) == len(names)\n"
        "for name in names: assert not isinstance(getattr(onnx_bridge, name), types.ModuleType), f'{name} is hidden by a module'\n"
        "others = {n for n, v in vars(onnx_bridge).items() if n[0] != '_' and not isinstance(v, types.ModuleType)}\n"
        "print(*sorted(others - set(names) - {'TYPE_CHECKING', 'Any', 'annotations'}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "", "")


def test_importing_is_quick_and_brings_no_framework(tmp_path: Path) -> None:
    """Under 0.3 s of processor time, the least of several runs; no framework, no onnxruntime, not even onnx."""
    script = (
        "import sys, time; begin = time.process_time(); import onnx_bridge; spent = time.process_time() - begin\n"
        "print(spent, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    spent = []
    for _ in range(5):
        ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        seconds, *modules = ran.stdout.split()
        spent.append(float(seconds))

    assert not set(modules) & {"torch", "tensorflow", "keras", "jax", "flax", "sklearn", "onnxruntime", "onnx", "rich"}
    assert min(spent) < 0.3


# ---- what is written about it


def test_the_package_is_typed_and_licensed() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_ci_runs_what_the_readme_says() -> None:
    """The README's first two commands stand in .ci/run, letter by letter."""
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)

    assert len(commands) == 2
    assert all(command in ci.splitlines() for command in commands)


def test_hosted_ci_runs_what_anybody_runs() -> None:
    """The workflow checks the repository out and calls .ci/run, and that is all."""
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()

    assert re.findall(r"- run: (.*)", text) == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_what_runs_before_a_commit_is_there() -> None:
    """Each command of the pre-commit configuration is a tool of the extra `dev`, and the files that it names exist."""
    commands = re.findall(r"entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text())

    assert [command.split()[0] for command in commands] == ["ruff", "mypy", "python"]
    assert all((ROOT / word).exists() for command in commands for word in command.split() if "/" in word)


def test_the_table_of_operators_is_current() -> None:
    ran = subprocess.run([sys.executable, str(ROOT / "scripts" / "make_tables.py"), "--check"], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_version_is_in_the_changelog() -> None:
    assert f"## {onnx_bridge.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {onnx_bridge.__version__}\n" in (ROOT / "CITATION.cff").read_text()
