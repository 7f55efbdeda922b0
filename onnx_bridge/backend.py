"""onnx_bridge as an `onnx.backend`: what runs such backends (`onnx.backend.test`, the public scoreboard) runs this one.

    import onnx_bridge.backend

    rep = onnx_bridge.backend.prepare(model)  # an onnx.ModelProto
    outputs = rep.run([x])

A header is made and built, and answers. Nothing else does: what cannot be converted raises UnsupportedModel; it is not handed to
onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep

from onnx_bridge.errors import ArgumentError
from onnx_bridge.pipeline import check, convert
from onnx_bridge.runtime.compiled import CompiledModel
from onnx_bridge.runtime.outputs import Outputs

#: What onnx's own runner of tests hands on to `prepare`; it compares the answers itself.
_RUNNER = frozenset({"rtol", "atol"})

#: Arguments of `convert` that `prepare` takes as they are.
_OPTIONS = frozenset({"dims", "inputs", "name", "strict", "verify", "without"})


class Prepared(BackendRep):
    """A model's header, built.

    Attributes:
        net: what calls it.
    """

    def __init__(self, net: CompiledModel, input_names: Sequence[str]) -> None:
        self.net = net
        self._names = list(input_names)

    def run(self, inputs: Any, **kwargs: Any) -> Outputs:
        """The outputs of the model, in its order.

        Args:
            inputs: arrays in the order of the model's inputs, one array where there is one input, or arrays by name.
            **kwargs: what `CompiledModel.run` takes: `out`, `cast`.

        Raises:
            InferenceError: inputs are missing, or their types or shapes are not the model's.
            ArgumentError: there are more inputs than the model has.
        """
        if isinstance(inputs, Mapping):
            feeds = dict(inputs)
        else:
            listed = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
            if len(listed) > len(self._names):
                raise ArgumentError(f"the model has {len(self._names)} inputs ({', '.join(self._names)}), got {len(listed)}")
            feeds = dict(zip(self._names, listed, strict=False))
        return self.net.run({name: value for name, value in feeds.items() if value is not None}, **kwargs)


class OnnxBridgeBackend(Backend):
    """The backend; the module has its methods as functions."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models run on a device: on the CPU alone."""
        return device.partition(":")[0].upper() == "CPU"

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether nothing stands in the way of converting the model; `onnx_bridge.check` says what does."""
        return cls.supports_device(device) and not check(model)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> Prepared:
        """Converts and builds a model.

        Args:
            model: the model.
            device: "CPU".
            **kwargs: `dims`, `inputs`, `name`, `strict`, `verify`, `without`, as `onnx_bridge.convert` has them. A backend is what others
                compare, so nothing is compared here unless `verify=True` asks for it.

        Raises:
            ArgumentError: another device, or an argument that is not known.
            BridgeError: what `onnx_bridge.convert` raises.
        """
        if not cls.supports_device(device):
            raise ArgumentError(f"device must be 'CPU', not {device!r}")
        options = {name: value for name, value in kwargs.items() if name not in _RUNNER}
        unknown = sorted(set(options) - _OPTIONS)
        if unknown:
            raise ArgumentError(f"prepare takes no {', '.join(unknown)}; it takes {', '.join(sorted(_OPTIONS))}")
        net = convert(model, **{"verify": False, **options}).compile()
        return Prepared(net, [i.name for i in model.graph.input if i.name in net.input_names])

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> Outputs:
        """The outputs of a model for these inputs: `prepare` and `run`."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU", outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> Outputs:  # fmt: skip
        """The outputs of one node, of the newest opset, or of `opset_version`.

        Args:
            node: the node.
            inputs: arrays, in the order of its inputs; None for one that is left out, or by name.
            device: "CPU".
            outputs_info: not needed; types and shapes are inferred.
            **kwargs: `opset_version`, and what `prepare` takes.

        Raises:
            BridgeError: what `prepare` and `run` raise.
        """
        version = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        names = [name for name in dict.fromkeys(node.input) if name]
        listed = inputs.values() if isinstance(inputs, Mapping) else [inputs] if isinstance(inputs, np.ndarray) else inputs
        given = dict(zip(inputs if isinstance(inputs, Mapping) else node.input, listed, strict=False))
        feeds = {name: np.asarray(given[name]) for name in names if given.get(name) is not None}
        described = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in feeds.items()]
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = helper.make_graph([node], "node", described, outputs)
        opsets = [helper.make_opsetid("", version)] + ([helper.make_opsetid(node.domain, 1)] if node.domain else [])
        model = helper.make_model_gen_version(graph, opset_imports=opsets)
        return cls.run_model(model, feeds, device, **kwargs)


supports_device = OnnxBridgeBackend.supports_device
is_compatible = OnnxBridgeBackend.is_compatible
prepare = OnnxBridgeBackend.prepare
run_model = OnnxBridgeBackend.run_model
run_node = OnnxBridgeBackend.run_node
