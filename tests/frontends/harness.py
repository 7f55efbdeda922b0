"""A case of a front end: a model, live or saved, converted and compiled; its header beside the framework's own answer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest

import onnx_bridge
from onnx_bridge.references.second import Evaluated

#: The packages without which a front end does nothing.
NEEDS = {
    "keras": ("tensorflow", "keras", "tf2onnx"), "torch": ("torch", "onnxscript"), "jax": ("jax", "flax", "jax2onnx", "equinox"),
    "flax": ("flax", "jax2onnx"), "sklearn": ("sklearn",), "xgboost": ("xgboost",), "lightgbm": ("lightgbm",),
}  # fmt: skip

#: What frameworks say of themselves, and of their own use of numpy and Python, as models are built and saved.
SAID = {
    "keras": (".*:DeprecationWarning", ".*:FutureWarning", "You are saving your model as an HDF5 file:UserWarning"),
    "torch": (
        ".*torch.jit.*:DeprecationWarning", ".*treespec.*:FutureWarning", ".*is deprecated.*:FutureWarning",
        ".*were assigned during export.*:UserWarning", "Converting a tensor to a Python",
        ".*non-zero dropout expects num_layers.*:UserWarning",
    ),
    "jax": (":DeprecationWarning", ":FutureWarning"), "sklearn": (":FutureWarning", ":UserWarning", ":RuntimeWarning"),
    "xgboost": (":UserWarning", ":FutureWarning"), "lightgbm": (":UserWarning", ":FutureWarning"),
}  # fmt: skip


def needs(framework: str) -> list[pytest.MarkDecorator]:
    """Skips a test, or a module of tests, where a framework is not installed; looking for it does not import it.

    Returns:
        Marks that keep what the framework says of itself from being errors.
    """
    missing = [package for package in NEEDS[framework] if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed", allow_module_level=True)
    return [pytest.mark.filterwarnings(f"ignore:{said}") for said in SAID.get(framework, ())]


#: From one conversion.
BATCHES = (1, 3, 17)

#: What SOFIE's tests ask of small nets, absolutely, and what is asked of the others, of the largest output.
SMALL, LARGE = 1e-6, 1e-5


@dataclass(frozen=True)
class Case:
    """A model of a zoo.

    Attributes:
        name: unique in its zoo.
        make: gives (model, keyword arguments of convert, reference), the reference a function from inputs by the header's names to the
            framework's own outputs in order.
        inputs: the shape of each input without its batch, or a function from a generator and a batch size to the input.
        small: whether 1e-6 absolutely is asked, rather than 1e-5 of the largest output.
        operators: operators that must be in the model as it is lowered: proof that they were not taken apart.
        refused: for what cannot be converted: a part of the message that says why.
        reason: why not, in our words.
    """

    name: str
    make: Callable[[], tuple[Any, dict[str, Any], Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]]]]
    inputs: Mapping[str, Sequence[int] | Callable[[np.random.Generator, int], np.ndarray]]
    small: bool = True
    operators: Sequence[str] = ()
    refused: str = ""
    reason: str = ""


def zoo(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Parametrises a test over a zoo. Four of five cases are slow: they run in their framework's own environment, not everywhere."""
    marked = [pytest.param(case, id=case.name, marks=[pytest.mark.slow] if i % 5 else []) for i, case in enumerate(cases)]
    return pytest.mark.parametrize("case", marked)


def feeds(case: Case, batch: int) -> dict[str, np.ndarray]:
    """Inputs of a case."""
    rng = np.random.default_rng([batch, len(case.name)])
    return {
        name: shape(rng, batch) if callable(shape) else rng.standard_normal((batch, *shape)).astype(np.float32)
        for name, shape in case.inputs.items()
    }


def differences(case: Case, made: onnx_bridge.Conversion, reference: Callable[..., Sequence[np.ndarray]]) -> list[str]:
    """What is wrong with a model's header, a line each batch size and output."""
    net = made.compile()
    wrong = []
    for batch in BATCHES:
        given = feeds(case, batch)
        ours, theirs = net.run(given), [np.asarray(value) for value in reference(given)]
        if len(ours) != len(theirs):
            return [f"{len(ours)} outputs, the framework gives {len(theirs)}"]
        for index, (name, a, b) in enumerate(zip(net.output_names, ours, theirs, strict=True)):
            if a.shape != b.shape or a.dtype != b.dtype:
                wrong.append(f"batch {batch}, {name}: {a.dtype}{a.shape}, the framework gives {b.dtype}{b.shape}")
            elif b.dtype.kind != "f":
                wrong += [] if np.array_equal(a, b) else [f"batch {batch}, {name}: differs"]
            elif b.size:
                scale = float(np.abs(b[np.isfinite(b)]).max(initial=0))
                allowed = SMALL * max(1.0, scale) if case.small else LARGE * max(scale, 1e-30)
                gap = np.where(a == b, 0, np.abs(a.astype(np.float64) - b.astype(np.float64)))
                gap[np.isnan(a) & np.isnan(b)] = 0
                if not gap.max() <= allowed and not is_nearer(made.normal, given, index, a, b, allowed):
                    wrong.append(f"batch {batch}, {name}: off by {gap.max():.3g}, allowed {allowed:.3g}")
    return wrong


def is_nearer(
    model: onnx.ModelProto, given: Mapping[str, np.ndarray], index: int, ours: np.ndarray, theirs: np.ndarray, most: float
) -> bool:
    """Whether an output is as near as is asked to the model in float64, and nearer than the framework's, which rounds to float32, too.

    How it rounds depends on the processor: its products are Eigen's or oneDNN's, by the instructions that there are.
    """
    with closing(Evaluated(model, double=True)) as evaluated:
        truth = evaluated(given)[index]
    error = float(np.abs(ours - truth).max())
    return error <= most and error < float(np.abs(theirs - truth).max())


def run(case: Case) -> None:
    """Converts a case and compares its header with the framework; or sees that it is refused with its reason."""
    model, arguments, reference = case.make()
    if case.refused:
        try:
            onnx_bridge.convert(model, **arguments)
        except onnx_bridge.BridgeError as error:
            assert case.refused in str(error), f"refused, but with another reason: {error}"
            return
        raise AssertionError(f"{case.name} converts now: take it off the list")
    made = onnx_bridge.convert(model, **arguments)
    for operator in case.operators:
        assert operator in {node.op_type for node in made.normal.graph.node}, sorted({n.op_type for n in made.normal.graph.node})
    assert not (wrong := differences(case, made, reference)), "\n".join(wrong)
