"""onnx.reference in a process of its own, and what else needs onnx there: what that process does."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnx.reference.ops.op_resize import Resize as _Resize

from onnx_bridge.graphs import attribute, opset
from onnx_bridge.references.lift import lifted
from onnx_bridge.references.microsoft import OPERATORS
from onnx_bridge.references.recurrent import GRU, LSTM, RNN
from onnx_bridge.references.sequences import answered, given_as, spelt
from onnx_bridge.references.types import in_double


class BatchNormalization(OpRun):
    """As in inference: that of onnx.reference trains in the forms of opset 6 to 13, whatever the node says."""

    op_domain = ""

    def _run(self, x: np.ndarray, *others: np.ndarray, **attributes: Any) -> tuple[np.ndarray]:
        if attributes.get("training_mode"):
            raise NotImplementedError("BatchNormalization in training mode")
        scale, bias, mean, variance = (np.reshape(other, (-1, *[1] * (x.ndim - 2))) for other in others)
        return (np.asarray(scale * (x - mean) / np.sqrt(variance + x.dtype.type(attributes["epsilon"])) + bias, x.dtype),)


class LRN(OpRun):
    """Over all channels: that of onnx.reference goes as far as there are images in the batch."""

    op_domain = ""

    def _run(self, x: np.ndarray, alpha: float, beta: float, bias: float, size: int) -> tuple[np.ndarray]:
        squares = np.stack([np.square(x[:, max(0, c - (size - 1) // 2) : c + size // 2 + 1]).sum(1) for c in range(x.shape[1])], 1)
        share = float(alpha) / size  # an attribute is a float32, and so would be the quotient
        return (np.asarray(x / (bias + share * squares) ** beta, x.dtype),)


class GlobalMaxPool(OpRun):
    """With all axes kept, however many there are: that of onnx.reference drops some where they are not four."""

    op_domain = ""

    def _run(self, x: np.ndarray) -> tuple[np.ndarray]:
        return (np.asarray(x.max(tuple(range(2, x.ndim)), keepdims=True)),)


class GlobalLpPool(OpRun):
    """Over all spatial axes: onnx.reference has none."""

    op_domain = ""

    def _run(self, x: np.ndarray, p: float) -> tuple[np.ndarray]:
        powers = (np.abs(x) ** p).sum(tuple(range(2, x.ndim)), keepdims=True)
        return (np.asarray(powers ** (1 / p), x.dtype),)


class MaxRoiPool(OpRun):
    """Bins of whole pixels, 0 where there are none: onnx.reference has none."""

    op_domain = ""

    def _run(self, x: np.ndarray, rois: np.ndarray, pooled_shape: list[int], spatial_scale: float) -> tuple[np.ndarray]:
        y = np.zeros((len(rois), x.shape[1], *pooled_shape), x.dtype)
        for roi, pooled in zip(rois, y, strict=True):
            scaled = roi[1:] * x.dtype.type(spatial_scale)
            left, top, right, bottom = (int(c) for c in np.trunc(scaled + np.copysign(0.5, scaled)))
            spans = []
            for first, last, bins in ((top, bottom, pooled_shape[0]), (left, right, pooled_shape[1])):
                size = x.dtype.type(max(last - first + 1, 1)) / x.dtype.type(bins)
                spans.append([(first + int(np.floor(i * size)), first + int(np.ceil((i + 1) * size))) for i in range(bins)])
            for i, (above, below) in enumerate(spans[0]):
                for j, (before, behind) in enumerate(spans[1]):
                    pixels = x[int(roi[0])][:, max(above, 0) : max(below, 0), max(before, 0) : max(behind, 0)]
                    if pixels[0].size:
                        pooled[:, i, j] = pixels.max((1, 2))
        return (y,)


class OneHot(OpRun):
    """With a depth of any shape: that of onnx.reference fails for a vector of one."""

    op_domain = ""

    def _run(self, indices: np.ndarray, depth: np.ndarray, values: np.ndarray, axis: int) -> tuple[np.ndarray]:
        count = int(np.reshape(depth, -1)[0])
        chosen = np.arange(count) == np.expand_dims(np.where(indices < 0, indices + count, indices), -1)
        return (np.moveaxis(np.where(chosen, values[1], values[0]), -1, axis).astype(values.dtype),)


class LpNormalization(OpRun):
    """By the norm that it names: that of onnx.reference takes p = 2 alone."""

    op_domain = ""

    def _run(self, x: np.ndarray, axis: int, p: int) -> tuple[np.ndarray]:
        norm = np.linalg.norm(x, p, axis, keepdims=True)
        return (np.asarray(np.where(norm == 0, 0, x / np.where(norm == 0, 1, norm)), x.dtype),)


class _Flat(OpRun):
    """Before opset 13: over all axes from `axis` on, together; onnx.reference does what is so since."""

    op_domain = ""

    def _run(self, x: np.ndarray, **_: object) -> tuple[np.ndarray]:
        axis = attribute(self.onnx_node, "axis", 1)  # what is handed over has the default of today
        rows = x.reshape(int(np.prod(x.shape[:axis])) if axis % max(1, x.ndim) else 1, -1)
        return (np.asarray(self._rows(rows).reshape(x.shape), x.dtype),)

    def _rows(self, x: np.ndarray) -> np.ndarray:
        powers = np.exp(x - x.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))


class Softmax(_Flat):
    """See _Flat."""


class LogSoftmax(_Flat):
    """See _Flat."""

    def _rows(self, x: np.ndarray) -> np.ndarray:
        lowered = x - x.max(1, keepdims=True)
        return np.asarray(lowered - np.log(np.exp(lowered).sum(1, keepdims=True)))


class Hardmax(_Flat):
    """See _Flat."""

    def _rows(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.eye(x.shape[1])[x.argmax(1)])


class MeanVarianceNormalization(OpRun):
    """In the type of its input: its body in onnx has a float32 in it. Halves in float32: as a half the 1e-9 is 0, and squares overflow."""

    op_domain = ""

    def _run(self, x: np.ndarray, axes: list[int] | None = None) -> tuple[np.ndarray]:
        over, wide = tuple((0, 2, 3) if axes is None else axes), x.astype(np.promote_types(x.dtype, np.float32))
        centred = wide - wide.mean(over, keepdims=True)
        deviation = np.sqrt(np.square(centred).mean(over, keepdims=True))
        return (np.asarray(centred / (deviation + wide.dtype.type(1e-9)), x.dtype),)


class Resize(_Resize):
    """Corners aligned to the elements that there are: that of onnx.reference aligns them to size * scale, which may be no whole number."""

    op_domain = ""

    def _run(self, *inputs: Any, **attributes: Any) -> tuple[np.ndarray]:
        x, roi, scales, sizes = (*inputs, None, None)[:4]
        if attributes.get("coordinate_transformation_mode") == "align_corners" and scales is not None and np.size(scales):
            given = np.asarray([x.shape[axis] for axis in attributes.get("axes") or range(x.ndim)])
            scales = np.floor(given.astype(np.float32) * scales.astype(np.float32)) / given
        result: tuple[np.ndarray] = super()._run(x, roi, scales, sizes, **attributes)
        return result


def corrections(model: onnx.ModelProto) -> list[Any]:
    """What is used instead of the operators of onnx.reference that are wrong, and of those that it lacks."""
    always: list[Any] = [BatchNormalization, LRN, MeanVarianceNormalization, GlobalMaxPool, OneHot, LpNormalization]
    always += [GlobalLpPool, MaxRoiPool, LSTM, GRU, RNN, Resize, *OPERATORS]
    return [*always, Softmax, LogSoftmax, Hardmax] if opset(model) < 13 else always


class Evaluator:
    """Models by name, evaluated by onnx.reference as they are or in float64; and models lifted; see `Evaluated` and `Lifted`."""

    def __init__(self) -> None:
        self._models: dict[str, ReferenceEvaluator] = {}
        self._kinds: dict[str, tuple[dict[str, str], list[str]]] = {}

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The outputs of a model, or the bytes of a lifted one."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if "lift" in message:
                model = onnx.ModelProto.FromString(message["lift"])
                return {"model": lifted(model).SerializeToString()}
            if "open" in message:
                model = onnx.ModelProto.FromString(message["model"])
                double = in_double(model) if message["double"] else model
                self._models[message["open"]] = ReferenceEvaluator(double, new_ops=corrections(model))
                initialized = {tensor.name for tensor in model.graph.initializer}
                inputs = {value.name: spelt(value.type) for value in model.graph.input if value.name not in initialized}
                self._kinds[message["open"]] = inputs, [spelt(value.type) for value in model.graph.output]
                return {"version": onnx.__version__}
            evaluator = self._models[message["run"]]
            feeds, (inputs, outputs) = _writable(message["feeds"]), self._kinds[message["run"]]
            fed = given_as(feeds, inputs) if inputs.keys() - feeds.keys() else feeds
            return {"outputs": answered(evaluator.run(None, fed), outputs)}


def _writable(feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Inputs that may be written to. Strings are objects: of numpy's own, the longest one says how long those are that take their place."""
    plain = {name: value.astype(object) if value.dtype.kind == "U" else value for name, value in feeds.items()}
    return {name: value if value.flags.writeable else value.copy() for name, value in plain.items()}
