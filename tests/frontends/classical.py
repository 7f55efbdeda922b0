"""Many classical models in one header: one compilation, and each one's answers beside its library's own, around every threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

import onnx_bridge
from onnx_bridge.frontends import Exported, Request, export, framework_of

#: Rows that are compared, and the largest difference of what is no tree, of the largest value.
ROWS, CLOSE = 240, 2e-6


def exported(model: Any, features: int, dtype: Any) -> Exported:
    """A live model for a matrix of a type."""
    framework = framework_of(model)
    assert framework is not None
    return export(model, framework, Request(np.zeros((2, features), dtype)))


def joined(models: Mapping[str, onnx.ModelProto]) -> onnx.ModelProto:
    """One model with the inputs of the first and the outputs of all, called NAME_OUTPUT."""
    whole, shared = onnx.ModelProto(), [value.name for value in next(iter(models.values())).graph.input]
    for name, model in models.items():
        part = onnx.ModelProto()
        part.CopyFrom(model)

        def renamed(value: str, name: str = name) -> str:
            return value if not value or value in shared else f"{name}_{value}"

        for node in part.graph.node:
            node.input[:], node.output[:], node.name = map(renamed, node.input), map(renamed, node.output), renamed(node.name)
        for value in [*part.graph.initializer, *part.graph.output]:
            value.name = renamed(value.name)
        if not whole.graph.node:
            whole.CopyFrom(part)
            continue
        whole.graph.node.extend(part.graph.node)
        whole.graph.initializer.extend(part.graph.initializer)
        whole.graph.output.extend(part.graph.output)
        if max(o.version for o in part.opset_import if o.domain) > max(o.version for o in whole.opset_import if o.domain):
            del whole.opset_import[:]
            whole.opset_import.extend(part.opset_import)
    return whole


def thresholds(model: onnx.ModelProto) -> np.ndarray:
    """What the trees of a model compare with."""
    found = [np.zeros(1)]
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "nodes_splits":
                found.append(numpy_helper.to_array(attribute.t).astype(np.float64))
    return np.unique(np.concatenate(found))


def around(model: onnx.ModelProto, features: int, dtype: Any, special: tuple[float, ...] = ()) -> np.ndarray:
    """Rows of numbers at, just under and just over the thresholds of a model, and of special ones."""
    rng = np.random.default_rng(features)
    at = thresholds(model).astype(dtype)
    at = at[np.isfinite(at)]
    least, most = dtype(-np.inf), dtype(np.inf)
    values = np.concatenate([at, np.nextafter(at, least), np.nextafter(at, most), np.array(special, dtype)])
    return np.where(rng.random((ROWS, features)) < 0.8, rng.choice(values, (ROWS, features)), rng.normal(size=(ROWS, features))).astype(
        dtype
    )


def check(
    models: Mapping[str, Any], features: int, dtype: Any, *, exact: bool, special: tuple[float, ...] = (), rows: np.ndarray | None = None
) -> None:
    """Converts models together and compares: labels are the library's; what trees sum is too, bit for bit, if `exact`."""
    made = {name: exported(model, features, dtype) for name, model in models.items()}
    whole = joined({name: one.model for name, one in made.items()})
    net = onnx_bridge.convert(whole, verify=False).compile()
    x = around(whole, features, dtype, special) if rows is None else rows.astype(dtype)
    got = dict(zip(net.output_names, net.run({"x": x}), strict=True))
    wrong = []
    for name, one in made.items():
        for value, want in zip(one.model.graph.output, one.reference({"x": x}), strict=True):
            mine = np.asarray(got[f"{name}_{value.name}"])
            if mine.shape != want.shape or (want.dtype.kind == "f" and mine.dtype != want.dtype):
                wrong.append(f"{name} {value.name}: {mine.dtype}{mine.shape}, the library gives {want.dtype}{want.shape}")
            elif want.dtype.kind != "f" or exact:
                same = (mine == want) | ((mine != mine) & (want != want))
                wrong += (
                    []
                    if same.all()
                    else [f"{name} {value.name}: {int((~same).sum())} of {same.size} differ, such as {mine[~same][:2]} {want[~same][:2]}"]
                )
            else:
                gap, scale = np.abs(mine - want).max(), np.abs(want).max()
                wrong += [] if gap <= CLOSE * scale else [f"{name} {value.name}: off by {gap:.3g} of {scale:.3g}"]
    assert not wrong, "\n".join(wrong)
