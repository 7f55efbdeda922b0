"""The header: the face, the kernels used, and the network, from an RModel whose passes are done."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from onnx_bridge.emit import canaries
from onnx_bridge.emit.amalgamate import amalgamate, names_of
from onnx_bridge.emit.banner import UNPROVEN, banner, labelled, rows_of
from onnx_bridge.emit.bodies import body_enumerators, choices, detection, including_itself, regions, undefined
from onnx_bridge.emit.embed import check_form, names_beside, write_beside
from onnx_bridge.emit.found import found_texts
from onnx_bridge.emit.loading import Loading
from onnx_bridge.emit.methods import functions_of_dims, functor, marked, names_in
from onnx_bridge.emit.names import FACE_NAMES, Names, Naming, identifier, quoted, usual
from onnx_bridge.emit.sizes import FaceSizes, dim_type
from onnx_bridge.emit.sofie import session
from onnx_bridge.emit.standard import included
from onnx_bridge.emit.templates import filled, parts
from onnx_bridge.emit.tiles import tiles_made
from onnx_bridge.emit.weights import WeightsImage
from onnx_bridge.emit.writer import INDENT, CppWriter, comment, folded, spelt
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.groups import Group
from onnx_bridge.ir.rmodel import InputValue, RModel, all_operators, nested_models
from onnx_bridge.ir.tensor import PARTS, Tensor
from onnx_bridge.ir.validate import check_written
from onnx_bridge.passes.memory import MemoryPlan, plan_memory
from onnx_bridge.targets import bodies_that_differ, words_of


@dataclass(frozen=True)
class Emitted:
    """A generated header with its weights.

    Attributes:
        name: the model's C++ name; the files are `name.hxx` and `name.dat`.
        header: the text of the header.
        weights: the weights file.
        inputs, outputs: the arguments, in order, with the C++ names of the dims that `infer` takes.
        symbols: ONNX dim name -> field of Dims, in order.
        tapped: the tensors that a header made with `taps` hands out, in the order of their numbers.
        plan: the memory plan.
        conditions: sizes that must not be negative; `infer` refuses dims for which one is.
        found: sizes that data decides, in the order of the fields of Found, with what they are never above.
        bounds: sizes that say how much room there is, with those of `found` that say how much was needed.
        input_groups, output_groups: what the file takes and gives that is no tensor, by the names of tensors here.
        bodies: the names of the bodies that the header holds, the best first: what `compile(body=...)` takes beside "best".
        form: how the weights come into a program, one of `embed.FORMS`.
        tapping: makes the same header with taps, on the same weights; None where that can no longer be told.
        forming: makes it with the weights in another form; None where that can no longer be told.
        guarding: makes the same network's header with canaries; None where that can no longer be told.
        proof: what the banner says that was compared.
        steady: whether calls of the same sizes do the same work: there are no loops or branches.
        naming: what the files are called, `name.hxx` and `name.dat` unless somebody said otherwise, and SOFIE's namespaces.
    """

    name: str
    header: str
    weights: WeightsImage
    inputs: list[Tensor]
    outputs: list[Tensor]
    symbols: dict[str, str]
    plan: MemoryPlan
    form: str = "file"
    symbol_inputs: dict[str, InputValue] = field(default_factory=dict)
    tapped: list[Tensor] = field(default_factory=list)
    conditions: list[Size] = field(default_factory=list)
    found: dict[str, Size] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)
    input_groups: tuple[Group, ...] = ()
    output_groups: tuple[Group, ...] = ()
    bodies: tuple[str, ...] = ()
    steady: bool = True
    proof: tuple[str, ...] = ()
    naming: Naming = Naming("", "", "")
    tapping: Callable[[], Emitted] | None = field(default=None, repr=False, compare=False)
    forming: Callable[[str], Emitted] | None = field(default=None, repr=False, compare=False)
    guarding: Callable[[], Emitted] | None = field(default=None, repr=False, compare=False)

    def with_taps(self) -> Emitted:
        """The same header, which hands out every intermediate tensor to a callback (for localising a fault; not for shipping).

        The weights are those of this one: nothing is packed a second time.
        """
        assert self.tapping is not None, "for_calls() has left out what is needed"
        return self.tapping()

    def with_canaries(self) -> Emitted:
        """The same network behind the same face, with canaries around each tensor in the arena and each operator's scratch memory.

        An operator that writes beyond what it has ends the program, which says who wrote where. For finding faults, not for shipping.
        """
        assert self.guarding is not None, "for_calls() has left out what is needed"
        return self.guarding()

    def with_proof(self, proof: Sequence[str]) -> Emitted:
        """The same header with what was compared in its banner, a line a thing; without lines it says that nothing was."""
        lines = self.header.split("\n")
        first = lines.index(labelled("proof", UNPROVEN))
        lines[first : first + 1] = rows_of([("proof", line) for line in proof or [UNPROVEN]])
        return replace(self, header="\n".join(lines), proof=tuple(proof))

    def with_weights(self, form: str) -> Emitted:
        """The same header, with the same proof, whose weights come into a program in another form.

        Args:
            form: one of `onnx_bridge.emit.embed.FORMS`.

        Raises:
            ArgumentError: it is none of these, or there are too many weights for it.
        """
        if form == self.form:
            return self
        assert self.forming is not None, "for_calls() has left out what is needed"
        return self.forming(form).with_proof(self.proof)

    def write(self, folder: str | Path, target: str | None = None) -> Path:
        """Writes the header and what its form of weights needs beside it.

        Args:
            folder: where; it is made if it is not there.
            target: the machine that an object is for, as `c++ -dumpmachine` prints it; this one, if it is None.

        Returns:
            The header's path.

        Raises:
            ArgumentError: there are no objects for that machine.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.naming.header
        path.write_text(self.header, encoding="ascii", newline="\n")
        if self.form == "file":
            with (folder / self.naming.weights).open("wb") as file:
                self.weights.write(file)
        else:
            write_beside(folder, self.name, self.weights, self.form, target)
        return path

    def files(self, target: str | None = None) -> list[str]:
        """The names of the files that `write` writes, the header first, then what is compiled or linked with it."""
        beside = [self.naming.weights] if self.form == "file" else names_beside(self.name, self.form, target)
        return [self.naming.header, *beside]

    def for_calls(self) -> Emitted:
        """What compiling and calling need: not the plan, which holds every operator and constant of the network."""
        inputs, outputs, tapped = (
            [Tensor(t.name, t.type, layout=t.layout) for t in tensors] for tensors in (self.inputs, self.outputs, self.tapped)
        )
        return replace(self, plan=MemoryPlan(), inputs=inputs, outputs=outputs, tapped=tapped, tapping=None, forming=None, guarding=None)


def emit(
    model: RModel, *, weights: str = "file", self_include: bool = True, guarded: bool = False, naming: Naming | None = None
) -> Emitted:
    """Emits a model after its passes: once, for what changes afterwards there are `Emitted.with_proof` and `Emitted.with_taps`.

    Args:
        model: the model.
        weights: how they come into a program: as a "file", an "object" that is linked, a "source" that is compiled, or in the "header".
        self_include: let the header include itself once for each instruction set; otherwise it holds their bodies one after the other.
        guarded: with canaries, see `Emitted.with_canaries`.
        naming: what it is called, see `Emitted.naming`.

    Raises:
        ArgumentError: `weights` is none of these, or there are too many for the form.
        InternalError: an operator reads what nothing writes.
    """
    check_written(model, "emit")
    return Header(model, self_include, guarded, naming or usual(model.name)).make(weights)


class Header:
    """A model's network, written once, with its weights packed; `make` puts the header around it."""

    def __init__(self, model: RModel, self_include: bool, guarded: bool, naming: Naming) -> None:
        self.model, self.self_include, self.naming = model, self_include, naming
        self.plan = plan_memory(model, canaries.GUARD if guarded else 0)
        self.kernel_files = {file for op in all_operators(model) for file in op.kernel_files()} | {"vector.hxx"}
        self.kernel_files |= {canaries.KERNEL} if guarded else set()
        self.names = Names(FACE_NAMES | names_of(frozenset(self.kernel_files)) | {model.name} | ({canaries.TABLE} if guarded else set()))
        self.symbols = {symbol: self.names.new(symbol) for symbol in model.symbols}
        self.sizes = FaceSizes(model, self.plan, self.symbols)
        self.sizes.refuse_too_large()
        self.found = {symbol: self.names.new(symbol) for symbol in model.found}
        self.found_inside = {symbol: self.names.new(symbol) for symbol in self.sizes.limits if symbol not in self.found}
        self.writer = CppWriter(self.plan, self.names, {**self.symbols, **self.found, **self.found_inside}, model.bounds)
        self.arguments = {t: self.names.new(t.name) for t in dict.fromkeys((*model.inputs, *model.outputs))}
        self.declared: dict[str, str] = {}  # what the network begins with: a variable's declaration by its name
        self.declarations()
        self.writer.operators(model.operators)
        self.image = self.writer.packing.image(model.name)

    def make(self, form: str = "file", taps: bool = False) -> Emitted:
        """The header, whose weights have the `form`; with `taps`, one that hands out every intermediate tensor."""
        check_form(form, self.image)
        lines, tapped = self.writer.with_taps() if taps else (self.writer.lines, [])
        network = self.network(lines)
        functors = self.functors()
        found = ["Found& found"] if self.found else []
        parameters = ["const Weights& w", "char* arena", "const std::size_t* at", "const Dims& dims", *found, *self.parameters()]
        parameters = marked([*parameters, *_tap_type(taps, "tap")], network)
        loading = Loading(self.model.name, self.naming.weights, self.image, form)
        weights = f"struct Weights {{\n{loading.fields()}\n}};\n"
        kernels = amalgamate(self.kernel_files, f"{weights}{functors}static bool run({', '.join(parameters)})\n{{\n{network}\n}}\n")
        kernels = tiles_made(all_operators(self.model), kernels) + kernels
        words = words_of(kernels)
        targets = bodies_that_differ(words)
        image = self.image
        computed = [*self.writer.sizes, *(size for sizes in self.model.input_values.values() for size in sizes)]
        sizes = replace(self.sizes, computed=computed)
        plain = ["Found&"] * bool(self.found) + self.parameters(named=False)
        has_file = image.payload_bytes > 0 and form == "file"
        texts = {
            "BANNER": banner(self.model, self.plan, self.symbols, self.arguments, image, kernels + functors, form, self.naming),
            "NAME": self.model.name, "SOFIE_NAME": self.naming.sofie,
            "GUARD": f"ONNX_BRIDGE_MODEL_{self.model.name.upper()}",
            "DIM_FIELDS": self.dim_fields(), "ARGUMENTS": self.argument_tables(), "WEIGHT_FIELDS": loading.fields(),
            "CONSTRUCTORS": loading.constructors(), "LOADERS": loading.declarations(), "DEFINITIONS": loading.definitions(),
            "BEFORE": loading.before(), "INFER_CONTRACT": self.infer_contract(),
            "SLOTS": str(max(1, len(self.plan.order)) if not self.plan.is_static else 1), "PLAN": sizes.workspace(),
            "SAME_DIMS": " && ".join(f"dims.{s} == dims_.{s}" for s in self.symbols.values()) or "(static_cast<void>(dims), true)",
            "TAKEN": "takes_" if self.symbols else "true",
            "INFER_PARAMETERS": ", ".join(["Workspace& ws", "[[maybe_unused]] Dims dims", *self.parameters()]),
            "TAKES": sizes.takes(),
            "INFER_BODY": self.infer_body(taps), "OUTPUT_SIZES": sizes.outputs(),
            "RUN_TYPES": ", ".join(["const Weights&", "char*", "const std::size_t*", "const Dims&", *plain, *_tap_type(taps)]),
            "RUN": "\n".join(folded(f"static bool run({', '.join(parameters)}) noexcept")),
            "SOFIE": session(self.model, self.arguments, self.symbols, has_file, self.found, self.naming.free_infer),
            **found_texts(self.found, self.symbols, self.model.outputs),
            "DETECTION": detection(targets), "CHOICES": choices(targets), "BODIES": body_enumerators(targets),
            "KERNELS": kernels, "NETWORK": network, "FUNCTORS": functors,
            "UNDEFINE": undefined(kernels, targets, words),
        }  # fmt: skip
        texts |= parts(texts)
        texts |= functions_of_dims(texts)
        texts["LIBRARY"] = "".join(texts[name] for name in ("WEIGHTS_FILE", "CHECKED_SIZES", "WHOLE_SIZES")).lstrip("\n")
        body = filled("body.hxx", texts)
        texts["REGIONS"] = regions(self.naming.header, None if self.self_include else body, targets, words)
        header = filled("face.hxx", texts)
        header = header.replace("@INCLUDES@", included(header + body), 1)
        if self.self_include:
            header = including_itself(header, body)
        return Emitted(
            self.model.name,
            header.rstrip("\n") + "\n",
            image,
            self.model.inputs,
            self.model.outputs,
            self.symbols,
            self.plan,
            form,
            dict(self.model.symbol_inputs),
            tapped,
            list(self.model.conditions),
            dict(self.model.found),
            dict(self.model.bounds),
            tuple(self.model.input_groups),
            tuple(self.model.output_groups),
            tuple(target.name for target in targets),
            not any(nested_models(op) for op in self.model.operators),
            (),
            self.naming,
            partial(self.make, form, taps=True),
            self.make,
            partial(emit, self.model, weights=form, self_include=self.self_include, guarded=True, naming=self.naming),
        )

    # ---- the network

    def declarations(self) -> None:
        """Notes the variables that the network begins with: sizes, and where each buffer lies."""
        writer = self.writer
        for tensor, name in self.arguments.items():
            writer.declare(tensor, name)
        for symbol in self.symbols.values():
            self.declared[symbol] = f"{INDENT}const Size {symbol} = static_cast<Size>(dims.{symbol});"
        for symbol in (*self.found.values(), *self.found_inside.values()):
            self.declared[symbol] = f"{INDENT}Size {symbol} = 0;  // data decides it"
        for root, buffer in self.plan.buffers.items():
            kind, name = root.dtype.storage, self.names.new(root.name)
            place = f"reinterpret_cast<{kind}*>(arena + {self.plan.cpp_offset(buffer)})"
            self.declared[name] = f"{INDENT}{kind}* const {name} = {place};"
            writer.declare(root, name)
        for tensor in self.plan.root:
            root = self.plan.find(tensor)
            if root in self.plan.pointed:
                continue  # its operator says where
            pointer = writer.pointer(root)
            same = tensor.dtype.storage == root.dtype.storage
            writer.declare(tensor, pointer if same else f"reinterpret_cast<{tensor.dtype.storage}*>({pointer})")

    def network(self, lines: Sequence[str]) -> str:
        """The body of the network's function around the operators' lines, with what these name declared in front of them."""
        told = [f"{INDENT}found.{symbol} = static_cast<std::size_t>({symbol});" for symbol in self.found.values()]
        guards = [INDENT + row for row in canaries.table(self.plan, self.writer.size)]
        rest = [*guards, *lines, *told]
        used = names_in(rest)
        declared = []
        for name, line in reversed(self.declared.items()):
            if name in used:
                declared.append(line)
                used |= names_in([line])
        return "\n".join([*reversed(declared), *rest])

    def functors(self) -> str:
        lines = []
        for text, name in self.writer.functors.items():
            lines.append(functor(name, text))
        return "\n".join(lines) + ("\n" if lines else "")

    # ---- the face

    def parameters(self, named: bool = True) -> list[str]:
        result = []
        for tensor, name in self.arguments.items():
            const = "const " if tensor in self.model.inputs else ""
            result.append(f"{const}{tensor.dtype.storage}*" + (f" {name}" if named else ""))
        return result

    def dim_fields(self) -> str:
        remarks = {field: "" if name == field else f"  // {comment(name)}" for name, field in self.symbols.items()}
        kinds = {field: dim_type(self.model.symbol_inputs, name) for name, field in self.symbols.items()}
        first = {field: ROOM if name in self.model.bounds else 1 for name, field in self.symbols.items()}
        return "\n".join(f"{INDENT}{kinds[field]} {field} = {first[field]};{what}" for field, what in remarks.items()) or f"{INDENT}// none"

    def argument_tables(self) -> str:
        tables = []
        for what, tensors in (("inputs", self.model.inputs), ("outputs", self.model.outputs)):
            rows = []
            for t in tensors:
                shape = ", ".join(str(s) if isinstance(s, int) else "-1" for s in t.shape[:8])
                rank = t.rank if t.type.either is None else -1
                rows.append(f'{INDENT}{{"{quoted(t.name)}", "{t.dtype.name}", {rank}, {{{shape}}}}},')
            if len(rows) == 1:
                tables.append(f"inline constexpr Argument {what}[] = {{{rows[0].strip().rstrip(',')}}};")
            elif rows:
                tables.append("\n".join([f"inline constexpr Argument {what}[] = {{", *rows, "};"]))
        return "\n".join(tables)

    def infer_contract(self) -> str:
        reasons = ["are larger than sizes can be", "need more than the Workspace has", *self.sizes.refusals()]
        for name, sizes in self.model.input_values.items():
            places = [identifier(name)] if len(sizes) == 1 else [f"{identifier(name)}[{index}]" for index in range(len(sizes))]
            spelled = [spelt(size, self.symbols.__getitem__) for size in sizes]
            whole = f"{PARTS} times " if self.model.tensor(name).dtype.is_float else ""
            reasons += [f"{size} is not {whole}the value of {place}" for size, place in zip(spelled, places, strict=True)]
        text = f"Writes the outputs. False where the dims {', or '.join(reasons)}: then nothing is written. "
        if any("return false;" in line for line in self.writer.lines):
            decides = "takes a branch or ends a loop as these dims do not allow"
            if any(op.conditions or op.constraints or op.reads_sizes for op in all_operators(self.model)):
                decides = "decides a size that the network does not take"
            text += f"False, too, where data {decides}: then the outputs hold anything. "
        text += "Outputs overlap neither inputs nor one another nor the Workspace; inputs may overlap."
        return "\n".join(textwrap.wrap(text, 120, initial_indent=f"{INDENT}/// ", subsequent_indent=f"{INDENT}/// "))

    def infer_body(self, taps: bool) -> str:
        lines = [f"{INDENT}if (!ws.fit(dims)) return false;"]
        for source, sizes in self.model.input_values.items():
            pointer = self.arguments[self.model.tensor(source)]
            for index, size in enumerate(sizes):
                place = f"*{pointer}" if len(sizes) == 1 else f"{pointer}[{index}]"
                value = spelt(size, lambda symbol: f"static_cast<std::ptrdiff_t>(dims.{self.symbols[symbol]})")
                if self.model.tensor(source).dtype.is_float:
                    given = f"static_cast<double>({place}) * {PARTS}.0"
                    lines.append(f"{INDENT}if (!(std::fabs({given} - static_cast<double>({value})) <= 0.5)) return false;")
                    continue
                below = "" if dims.signed_symbols(size) or not dims.at_least(size, 0) else f"{place} < 0 || "
                lines += folded(f"{INDENT}if ({below}static_cast<std::ptrdiff_t>({place}) != {value}) return false;")
        extra, tap = ["ws.found_"] if self.found else [], ["active_tap()"] if taps else []
        arguments = ", ".join(["w_", "ws.memory_", "ws.at_", "dims", *extra, *self.arguments.values(), *tap])
        lines.append(f"{INDENT}return run_({arguments});")
        return "\n".join(lines)


#: How much room there is where a caller does not say it.
ROOM = 4096


def _tap_type(taps: bool, name: str = "") -> list[str]:
    return [f"void (*{name})(int, const void*, std::size_t)"] if taps else []
