"""How a module of PyTorch is called, as a flat list of tensors: nested arguments in, nested results out, and a name for each tensor.

Both exporters have their own rules for dictionaries, keyword arguments and nested results, and fail on different ones of them. A module
that takes tensors and gives tensors is where they agree, so that is what they are shown.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends import arrays
from onnx_bridge.frontends.exported import innermost


@dataclass(frozen=True)
class _Slot:
    """Where a tensor stood among nested arguments."""

    index: int


@dataclass
class Call:
    """The arguments of a call, taken apart.

    Attributes:
        args: positional arguments, with a slot in place of each tensor.
        kwargs: those by name, likewise.
        names: of the tensors.
        tensors: the example.
        constants: arguments that are no tensors, as they are spelt: they are part of what is exported.
    """

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)

    def bind(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with these tensors in their places."""
        return tuple(_filled(value, tensors) for value in self.args), {key: _filled(value, tensors) for key, value in self.kwargs.items()}

    def run(self, function: Callable[..., Any], tensors: Sequence[Any]) -> list[Any]:
        """Calls a function and gives its results as a flat list of tensors."""
        args, kwargs = self.bind(tensors)
        return [value for _, value in leaves(function(*args, **kwargs))]

    def describe(self) -> str:
        """Names, types and shapes of the example."""
        return ", ".join(f"{n}: {_dtype(t)}{list(t.shape)}" for n, t in zip(self.names, self.tensors, strict=True)) or "none"


def taken_apart(torch: Any, inputs: Any, parameters: inspect.Signature | None, owner: str) -> Call:
    """The example inputs as a call of a function.

    Args:
        torch: the package.
        inputs: as in `Request.example_inputs`.
        parameters: of the function; None where they are not known.
        owner: what the function is called in messages.

    Raises:
        ExportError: they do not fit the parameters.
    """
    if isinstance(inputs, Mapping):
        args: tuple[Any, ...] = ()
        kwargs = dict(inputs)
        if parameters is not None:
            args, kwargs = _positional(parameters, kwargs)
    else:
        args, kwargs = (tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)), {}
    named = [f"input_{i}" if len(args) > 1 else "input" for i in range(len(args))]
    if parameters is not None:
        try:
            bound = parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise ExportError(
                f"example_inputs do not fit {owner}{spelt(parameters)}: {error}. Give a tuple of positional inputs, or a mapping by these "
                f"names (a dictionary that is itself an input stands in a tuple)"
            ) from None
        named = _positional_names(parameters, bound)
    call = Call()
    call.args = tuple(_apart(torch, value, name, call) for name, value in zip(named, args, strict=True))
    call.kwargs = {key: _apart(torch, value, key, call) for key, value in kwargs.items()}
    call.names = unique(call.names)
    return call


def spelt(parameters: inspect.Signature) -> str:
    """A signature as messages show it."""
    text = str(parameters.replace(return_annotation=inspect.Signature.empty))
    return text if len(text) < 300 else "(" + ", ".join(parameters.parameters) + ")"


def _positional(parameters: inspect.Signature, given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Inputs by name, in the order of the parameters as far as they go without a gap."""
    args = []
    for name, parameter in parameters.parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) or name not in given:
            break
        args.append(given.pop(name))
    return tuple(args), given


def _positional_names(parameters: inspect.Signature, bound: inspect.BoundArguments) -> list[str]:
    names: list[str] = []
    for name, parameter in parameters.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{name}_{i}" for i in range(len(bound.arguments.get(name, ())))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(name)
    return names[: len(bound.args)]


def _apart(torch: Any, value: Any, name: str, call: Call) -> Any:
    """A value with slots in place of tensors, which go to the call: a tensor of its own for each, since exporters tie shared ones."""
    if not isinstance(value, torch.Tensor) and arrays.is_array(value):
        value = tensor_of(torch, arrays.array(value))
    if isinstance(value, torch.Tensor):
        call.names.append(name)
        call.tensors.append(value.detach().cpu().clone())
        return _Slot(len(call.tensors) - 1)
    if isinstance(value, Mapping):
        return _like(value, {key: _apart(torch, item, f"{name}_{key}", call) for key, item in value.items()})
    if isinstance(value, (tuple, list)):
        return _sequence_like(value, [_apart(torch, item, f"{name}_{i}", call) for i, item in enumerate(value)])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _apart(torch, getattr(value, f.name), f"{name}_{f.name}", call) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    if value is not None:
        call.constants.append(f"{name} = {value!r}")
    return value


def tensor_of(torch: Any, array: np.ndarray) -> Any:
    """A tensor of its own memory; what numpy has from elsewhere (bfloat16) too."""
    if array.dtype.name != "bfloat16":
        return torch.from_numpy(np.array(array))
    return torch.from_numpy(np.array(array.view(np.int16))).view(torch.bfloat16)


def _filled(value: Any, tensors: Sequence[Any]) -> Any:
    if isinstance(value, _Slot):
        return tensors[value.index]
    if isinstance(value, Mapping):
        return _like(value, {key: _filled(item, tensors) for key, item in value.items()})
    if isinstance(value, (tuple, list)):
        return _sequence_like(value, [_filled(item, tensors) for item in value])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{f.name: _filled(getattr(value, f.name), tensors) for f in dataclasses.fields(value)})
    return value


def shifted(value: Any, by: int) -> Any:
    """Nested arguments whose slots count on from another call's."""
    return _filled(value, [_Slot(index + by) for index in range(len(_slots(value)))])


def _slots(value: Any) -> list[_Slot]:
    if isinstance(value, _Slot):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (tuple, list)) else ()
    return [slot for part in parts for slot in _slots(part)]


def renamed(expression: str, names: Mapping[str, str]) -> str:
    """A size with other names for its symbols."""
    return re.sub(r"[A-Za-z_]\w*", lambda match: names.get(match[0], match[0]), expression)


def _like(mapping: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    return items if type(mapping) is dict else type(mapping)(items)  # type: ignore[call-arg]


def _sequence_like(sequence: Sequence[Any], items: list[Any]) -> Any:
    return type(sequence)(*items) if hasattr(sequence, "_fields") else type(sequence)(items)  # type: ignore[call-arg]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The tensors of a result, each with the keys and indices that lead to it; what is no tensor is passed over."""
    if hasattr(value, "dtype") and hasattr(value, "detach"):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    elif isinstance(value, (tuple, list)):
        keys: Sequence[str | int] = getattr(value, "_fields", range(len(value)))
        for key, item in zip(keys, value, strict=True):
            yield from leaves(item, (*path, key))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for item in dataclasses.fields(value):
            yield from leaves(getattr(value, item.name), (*path, item.name))


def output_names(value: Any, taken: Sequence[str]) -> list[str]:
    """A name for each tensor of a result: its keys, or `output_0` and so on where there are none."""
    paths = [path for path, _ in leaves(value)]
    if len(paths) == 1 and not any(isinstance(key, str) for key in paths[0]):
        names = ["output"]
    else:
        names = [
            "_".join(map(str, path if isinstance(path[0], str) else ("output", *path)))
            if any(isinstance(key, str) for key in path)
            else f"output_{index}"
            for index, path in enumerate(paths)
        ]
    return unique([f"output_{name}" if name in taken else name for name in names], taken)


def unique(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names as identifiers, with a number behind those that would come twice."""
    seen = set(taken)
    made = []
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        final, count = plain, 1
        while final in seen:
            count += 1
            final = f"{plain}_{count}"
        seen.add(final)
        made.append(final)
    return made


def flat(torch: Any, module: Any, call: Call) -> Any:
    """A module that takes the call's tensors and gives a tuple of tensors."""

    class Flat(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *tensors: Any) -> Any:
            return tuple(call.run(self.module, tensors))

    return Flat().train(getattr(module, "training", False))


@contextlib.contextmanager
def layer_by_layer(torch: Any) -> Iterator[None]:
    """Attention from its parts, inside the block.

    In inference PyTorch puts a fused operator in place of its attention layers, which no exporter knows, and which differs from the layers
    where a mask leaves nothing (NaN instead of 0) and at padded places.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def called(torch: Any, module: Any, call: Call, owner: str, takes: str) -> Any:
    """What the module gives for its example.

    Raises:
        ExportError: it refuses the example: in its own words, with the layer that they come from.
    """
    try:
        return _run(torch, module, call)
    except Exception as error:
        layer = _layer_at_fault(torch, module, call)
        where = f" in its layer {layer!r}" if layer else ""
        raise ExportError(f"{owner} refuses the example inputs ({call.describe()}){where}: {_words(error)}. It takes {takes}") from None


def _run(torch: Any, module: Any, call: Call) -> Any:
    args, kwargs = call.bind([tensor.clone() for tensor in call.tensors])
    with torch.no_grad(), layer_by_layer(torch):
        return module(*args, **kwargs)


def _layer_at_fault(torch: Any, module: Any, call: Call) -> str:
    """The layer in which a call fails, found by calling again: what PyTorch captures whole (torch.cond) takes no hooks."""
    where: list[str] = []
    hooks = followed(torch, module, where)
    try:
        _run(torch, module, call)
    except Exception:
        return where[-1] if where else ""
    finally:
        for hook in hooks:
            hook.remove()
    return ""


def _words(error: Exception) -> str:
    """What PyTorch said; of TorchScript, which shows its source first, the last line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines and "TorchScript interpreter" in lines[0] else innermost(error)


def followed(torch: Any, module: Any, where: list[str]) -> list[Any]:
    """Hooks that keep in `where` the names of the layers that are being called; those of TorchScript take none."""
    hooks: list[Any] = []
    if isinstance(module, torch.jit.ScriptModule) or not isinstance(module, torch.nn.Module):
        return hooks
    for name, layer in module.named_modules():
        if not isinstance(layer, torch.jit.ScriptModule):
            hooks.append(layer.register_forward_pre_hook(lambda *_, name=name: where.append(name)))
            hooks.append(layer.register_forward_hook(lambda *_: (where.pop(), None)[1]))
    return hooks


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")
