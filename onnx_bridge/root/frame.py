"""Columns of an RDataFrame that a network computes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import ArgumentError
from onnx_bridge.root.interpreter import compile_text, emitted_of, interpreter, key_of, library, load, quoted, written
from onnx_bridge.root.traits import GENERIC, traits
from onnx_bridge.runtime.compiled import CompiledModel

#: Functors that this process has declared: the networks and the types of their columns are in their names.
_FUNCTORS: set[str] = set()

#: Networks whose columns can be declared: the name in onnx_bridge::rdf, and the path of the weights.
_NETWORKS: dict[str, str] = {}


def define(
    frame: Any,
    name: str | Sequence[str],
    net: Conversion | CompiledModel | Emitted,
    columns: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    *,
    types: Mapping[str, str] | None = None,
) -> Any:
    """Adds columns that a network computes from others, event by event; every slot has a workspace of its own.

    Where an input has an axis as long as there are columns, each column is one entry of it. Columns of numbers make one row of an
    event. RVecs make as many as an event has particles: along an open axis behind the first one (`[N, P, 4]`: one event), or, where there
    is none, along the first (`[N, 4]`: the network scores particles); an axis of fixed length is filled up with zeros, or cut short. One
    column alone may also be the whole tensor. All other open sizes are 1.

    Args:
        frame: an RDataFrame, a node of one, or a distributed one.
        name: of the new column; for a network of several outputs, one name for each.
        net: what `convert` returns, or its `compile()`.
        columns: the columns of the one input in order, or those of each input by its name.
        types: C++ types of columns, where the frame does not tell them (a distributed one).

    Returns:
        The frame with the columns: numbers where the network gives one number an event, else RVecs.

    Raises:
        ArgumentError: columns or names do not fit the network; it takes what no column can hold.
    """
    emitted = emitted_of(net)
    traits(emitted)  # what it raises is said before anything is built
    names = [name] if isinstance(name, str) else list(name)
    if len(names) != len(emitted.outputs):
        outputs = ", ".join(t.name for t in emitted.outputs)
        raise ArgumentError(f"{emitted.name} has {len(emitted.outputs)} outputs ({outputs}), and there are {len(names)} names")
    groups = _groups(emitted, columns)
    spelled = [f"onnx_bridge::rdf::Columns<{', '.join(_type(frame, c, types or {}) for c in group)}>" for group in groups]
    functor = _functor(emitted, spelled)
    if _is_distributed(frame):
        _distribute(emitted, spelled)
    else:
        _declare(emitted, spelled)
    call = f"{functor}(rdfslot_, {', '.join(c for group in groups for c in group)})"
    if len(names) == 1:
        return frame.Define(names[0], call)
    together = f"onnx_bridge_{functor}_{names[0]}"
    frame = frame.Define(together, call)
    for index, column in enumerate(names):
        frame = frame.Define(column, f"std::get<{index}>({together})")
    return frame


def _groups(emitted: Emitted, columns: str | Sequence[str] | Mapping[str, str | Sequence[str]]) -> list[list[str]]:
    """The columns of each input, in the order of the inputs."""
    inputs = [t.name for t in emitted.inputs]
    if not isinstance(columns, Mapping):
        if len(inputs) != 1:
            raise ArgumentError(f"{emitted.name} has the inputs {', '.join(inputs)}: give the columns of each, {{{inputs[0]!r}: [...]}}")
        columns = {inputs[0]: columns}
    if unknown := [key for key in columns if key not in inputs]:
        raise ArgumentError(f"{emitted.name} has no input {unknown[0]!r}; its inputs are {', '.join(inputs)}")
    if missing := [key for key in inputs if key not in columns]:
        raise ArgumentError(f"no columns are given for the input {missing[0]!r} of {emitted.name}")
    groups = [[given] if isinstance(given := columns[key], str) else list(given) for key in inputs]
    for key, group in zip(inputs, groups, strict=True):
        if not group:
            raise ArgumentError(f"no columns are given for the input {key!r} of {emitted.name}")
    return groups


def _type(frame: Any, column: str, types: Mapping[str, str]) -> str:
    """The C++ type that a column is taken as: a number, or an RVec of numbers."""
    if column in types:
        found = types[column]
    else:
        try:
            found = str(frame.GetColumnType(column))
        except Exception as error:  # of many kinds: no such column, or a frame that cannot tell
            raise ArgumentError(f"the type of column {column!r} is not known; types={{{column!r}: 'float'}} says it: {error}") from error
    vector = re.fullmatch(r"(?:std::|ROOT::|ROOT::VecOps::)?(?:vector|RVec)<\s*([\w :]+?)\s*(?:,.*)?>", found.strip())
    return f"ROOT::VecOps::RVec<{vector[1]}>" if vector else found


def _is_distributed(frame: Any) -> bool:
    return "distributed" in type(frame).__module__.lower() or "distrdf" in type(frame).__module__.lower()


def _functor(emitted: Emitted, columns: Sequence[str]) -> str:
    """The name of the functor that scores events with a network from columns of these types."""
    kinds = hashlib.sha256(" ".join(columns).encode()).hexdigest()[:8]
    return f"onnx_bridge_score_{_alias(emitted)}_{kinds}"


def _alias(emitted: Emitted) -> str:
    """A network's name in onnx_bridge::rdf: two of one name, as of a model that was trained again, stand side by side."""
    return f"{emitted.name}_{key_of(emitted)[:12]}"


def _declare(emitted: Emitted, columns: Sequence[str]) -> None:
    """Declares a functor, once for a process."""
    name, alias = _functor(emitted, columns), _alias(emitted)
    if name in _FUNCTORS:
        return
    if alias not in _NETWORKS:
        _NETWORKS[alias] = _declare_network(emitted, alias)
    compile_text(f'onnx_bridge::rdf::Score<onnx_bridge::rdf::{alias}, {", ".join(columns)}> {name}("{quoted(_NETWORKS[alias])}");\n')
    _FUNCTORS.add(name)


def _declare_network(emitted: Emitted, alias: str) -> str:
    """Builds what computes a network's columns, lets ROOT know it, and returns the path of the weights."""
    generic = {path.name: path.read_text(encoding="ascii") for path in GENERIC}
    file, text = f"{alias}_rdf.hxx", traits(emitted, alias)
    folder = written(emitted, {**generic, file: text})
    sources = {f"{emitted.name}.hxx": emitted.header, file: text, **generic, "net.cpp": f'#include "{file}"\n'}
    built = library(sources, alias, ["-fvisibility=hidden"], None)
    if built is None:  # Cling compiles all of it
        begin, end = "#pragma cling optimize(3)\n", ""
    else:
        load(built)
        begin, end = "#define ONNX_BRIDGE_RDF_DECLARED\n", "#undef ONNX_BRIDGE_RDF_DECLARED\n"
    compile_text(f'#include "{quoted(folder / GENERIC[0].name)}"\n{begin}#include "{quoted(folder / file)}"\n{end}')
    return "" if emitted.form != "file" else str(folder / f"{emitted.name}.dat")


def _distribute(emitted: Emitted, columns: Sequence[str]) -> None:
    """Lets each process of a distributed frame declare a functor before it looks at events.

    ROOT keeps one function that does so: what was asked for before, by whomever, goes on being done.
    """
    from ROOT._distrdf.Backends.Base import BaseBackend

    before = BaseBackend.initialization
    while isinstance(before, staticmethod):
        before = before.__func__
    ours = isinstance(before, partial) and before.func is _on_worker
    first, asked = before.args if ours else (before, [])
    interpreter().RDF.Distributed.initialize(_on_worker, first, [*asked, (emitted.for_calls(), list(columns))])


def _on_worker(first: Callable[[], object], asked: Sequence[tuple[Emitted, Sequence[str]]]) -> None:
    """What each process of a distributed frame does before it looks at events."""
    first()
    for emitted, columns in asked:
        _declare(emitted, columns)
