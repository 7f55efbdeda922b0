"""RModel -> RModel: the passes of either dialect and their order. The selection of kernels, in `select/`, stands between the two."""

from __future__ import annotations

from onnx_bridge.passes.attention import Attention
from onnx_bridge.passes.base import Pass
from onnx_bridge.passes.expand import Expand
from onnx_bridge.passes.fuse import Epilogues, Groups
from onnx_bridge.passes.group_scales import GroupScales
from onnx_bridge.passes.integers import Integers
from onnx_bridge.passes.layout import Layout
from onnx_bridge.passes.means import Means
from onnx_bridge.passes.movement import Movement
from onnx_bridge.passes.normalizations import Normalizations
from onnx_bridge.passes.outputs import Outputs
from onnx_bridge.passes.recurrences import Recurrences
from onnx_bridge.passes.reshapes import Reshapes
from onnx_bridge.passes.rows import Rows
from onnx_bridge.passes.scales import Scales
from onnx_bridge.passes.transposes import Transposes
from onnx_bridge.passes.values import KnownValues
from onnx_bridge.passes.zero_states import ZeroStates

#: Passes over operators of ONNX, in the order in which they run.
ONNX_PASSES: tuple[type[Pass], ...] = (
    KnownValues, Integers, ZeroStates, Normalizations, Expand, Rows, Reshapes, Movement, GroupScales, Means, Scales,
)  # fmt: skip

#: Passes over operators of kernels, in the order in which they run.
KERNEL_PASSES: tuple[type[Pass], ...] = (Groups, Epilogues, Transposes, Attention, Recurrences, Layout, Outputs)
