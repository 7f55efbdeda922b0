"""What the zoo of PyTorch is made with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Case
from torch import nn

Shape = Sequence[int] | Callable[[np.random.Generator, int], np.ndarray]

#: Where saved models are put; it goes with the process.
FOLDER = tempfile.TemporaryDirectory(prefix="torch_zoo_")


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights, biases and statistics that are random and not zero, so that nothing that is lost goes unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            if not value.is_floating_point():
                continue
            noise = torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value.dtype)
            if name.endswith("running_var"):
                value.copy_(0.5 + noise.abs())
            elif value.dim() > 1:
                value.copy_(noise / max(1.0, value[0].numel()) ** 0.5)
            else:
                value.copy_(0.3 * noise + (1.0 if name.endswith("weight") else 0.1))
    return module.eval()


def flat(value: Any) -> list[np.ndarray]:
    """The tensors of a result in order."""
    if isinstance(value, torch.Tensor):
        return [value.detach().numpy()]
    if value is None or isinstance(value, (int, float, str)):
        return []
    parts = value.values() if isinstance(value, Mapping) else value
    return [array for part in parts for array in flat(part)]


def example(inputs: Mapping[str, Shape], batch: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {
        name: shape(rng, batch) if callable(shape) else rng.standard_normal((batch, *shape)).astype(np.float32)
        for name, shape in inputs.items()
    }


def module_case(
    name: str,
    build: Callable[[], nn.Module],
    inputs: Mapping[str, Shape] | Sequence[int],
    *,
    saved: str = "",
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    call: Callable[[nn.Module, Mapping[str, torch.Tensor]], Any] | None = None,
    examples: Callable[[Mapping[str, np.ndarray]], Any] | None = None,
    random: bool = True,
    batch: int = 2,
    **more: Any,
) -> Case:
    """A case of a module.

    Args:
        name: of the case.
        build: makes the module.
        inputs: as in Case; one shape for a module of one input, called "x" or "input".
        saved: "", or what it is saved as: "script", "trace", "trace without
            gradients", "pt2", "program".
        dynamic: as in convert.
        call: how the module is called with tensors by name; all in order by default.
        examples: makes example_inputs of arrays by name; a tuple of all by default.
        random: whether weights are made random.
        batch: of the example.
        more: of Case.
    """
    named: Mapping[str, Shape] = inputs if isinstance(inputs, Mapping) else {"x": inputs}

    def make() -> tuple[Any, dict[str, Any], Callable[..., Any]]:
        module = randomised(build()) if random else build().eval()
        arrays = example(named, batch)
        given = examples(arrays) if examples else tuple(arrays.values())

        def reference(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            tensors = {key: torch.from_numpy(value.copy()) for key, value in feeds.items()}
            with torch.no_grad():
                return flat(call(module, tensors) if call else module(*tensors.values()))

        arguments: dict[str, Any] = {"example_inputs": given}
        if dynamic is not None:
            arguments["dynamic"] = dynamic
        return _as_saved(module, saved, arguments, arrays, dynamic, name), arguments, reference

    return Case(name, make, named, **more)


def _as_saved(module: nn.Module, saved: str, arguments: dict[str, Any], arrays: Mapping[str, np.ndarray], dynamic: Any, name: str) -> Any:
    tensors = tuple(torch.from_numpy(value) for value in arrays.values())
    if not saved:
        return module
    path = Path(FOLDER.name) / f"{name}.{'pt2' if saved == 'pt2' else 'pt'}"
    if saved in ("script", "trace", "trace without gradients"):
        with torch.set_grad_enabled(saved == "trace"):
            made = torch.jit.script(module) if saved == "script" else torch.jit.trace(module, tensors, check_trace=False)
        made.save(str(path))
        return str(path)
    dims: dict[str, Any] = {}
    shapes = [
        {axis: dims.setdefault(dim, torch.export.Dim(dim)) for axis, dim in (dynamic or {}).get(key, {0: "batch"}).items()}
        for key in arrays
    ]
    program = torch.export.export(module, tensors, dynamic_shapes=tuple(shapes))
    arguments.pop("example_inputs")
    if saved == "program":
        return program
    torch.export.save(program, str(path))
    return str(path)


class Do(nn.Module):
    """A function of tensors as a module, with a layer in front of it so that there is something to learn."""

    def __init__(self, function: Callable[..., Any], *layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self.layers(x))


class Pair(nn.Module):
    """The same for functions of two tensors."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Any:
        return self.function(a, b)


def integers(high: int, *shape: int, low: int = 0, dtype: str = "int64") -> Callable[[np.random.Generator, int], np.ndarray]:
    """Inputs of whole numbers below `high`."""
    return lambda rng, batch: rng.integers(low, high, (batch, *shape)).astype(dtype)


def behind(*shape: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Inputs [shape[0], batch, *shape[1:]], as sequences are that have time in front."""
    return lambda rng, batch: rng.standard_normal((shape[0], batch, *shape[1:])).astype(np.float32)
