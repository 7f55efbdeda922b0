"""onnxruntime as the reference: its answer, and how far that answer moves when nothing that matters changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx

from onnx_bridge.errors import ExportError
from onnx_bridge.judge import movement, nudge

#: The newest IR version that current releases of onnxruntime read; the number alone is no reason to refuse a model.
NEWEST_IR = 13


class Oracle:
    """onnxruntime on one model, one thread."""

    def __init__(self, model: onnx.ModelProto) -> None:
        import onnxruntime

        self.name = f"onnxruntime {onnxruntime.__version__}"
        self._model = model
        self._session = self._open(model, optimised=True)
        self._plain: Any = None

    @staticmethod
    def _open(model: onnx.ModelProto, optimised: bool, outputs: Iterable[str] = ()) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        if not optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        extra = list(outputs)
        if extra or model.ir_version > NEWEST_IR:
            copy = onnx.ModelProto()
            copy.CopyFrom(model)
            copy.ir_version = min(copy.ir_version, NEWEST_IR)
            copy.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in extra)
            model = copy
        try:
            return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ExportError(f"onnxruntime, the reference, cannot load this model: {_short(error)}") from None

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, in order.

        Raises:
            ExportError: onnxruntime refuses these inputs.
        """
        return self._run(self._session, feeds)

    def _run(self, session: Any, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        try:
            return [np.asarray(value) for value in session.run(None, dict(feeds))]
        except Exception as error:
            raise ExportError(f"onnxruntime, the reference, refuses inputs of these sizes: {_short(error)}") from None

    def conditioning(self, feeds: Mapping[str, np.ndarray], wanted: list[np.ndarray]) -> list[float]:
        """How far each output moves without graph optimisations, and with float inputs nudged by one unit in the last place."""
        if self._plain is None:
            self._plain = self._open(self._model, optimised=False)
        nudged = {k: nudge(v) if v.dtype.kind == "f" else v for k, v in feeds.items()}
        moved = [0.0] * len(wanted)
        for session, inputs in ((self._plain, feeds), (self._session, nudged), (self._nudged_weights(), feeds)):
            for i, (a, b) in enumerate(zip(self._run(session, inputs), wanted, strict=True)):
                if a.shape == b.shape and a.dtype.kind == "f":
                    moved[i] = max(moved[i], movement(a, b))
        return moved

    def _nudged_weights(self) -> Any:
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        for tensor in copy.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                array = onnx.numpy_helper.to_array(tensor)
                # Zeros, powers of two and the like are often exact on purpose (masks, scales): only weights are nudged.
                if array.size > 16:
                    tensor.CopyFrom(onnx.numpy_helper.from_array(nudge(array), tensor.name))
        return self._open(copy, optimised=True)

    @classmethod
    def with_outputs(cls, model: onnx.ModelProto, names: Iterable[str]) -> Oracle:
        """The reference of a model that also gives the tensors `names`, which must exist in the main graph."""
        made = cls.__new__(cls)
        made.name, made._model, made._plain = "", model, None
        made._session = cls._open(model, optimised=False, outputs=names)
        return made

    @property
    def output_names(self) -> list[str]:
        return [output.name for output in self._session.get_outputs()]


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
