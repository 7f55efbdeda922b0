"""SOFIE's operators that move, choose and make elements, and those with something of another's in them: If, Custom, Random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import numpy_helper

from onnx_bridge.custom import known
from onnx_bridge.errors import SofieError
from onnx_bridge.sofie.roperator import Branch, Name, Nodes, Template
from onnx_bridge.sofie.values import ETensorType, RandomOpMode, ReshapeOpMode, numpy_type, type_of_template

_T = (ETensorType,)


def _cast(nodes: Nodes, type: ETensorType, nameX: Name, nameY: Name) -> None:
    """Y = X in another element type, which is an ETensorType or its name."""
    nodes.node("Cast", [nameX], [nameY], to=int(type))


def _concat(nodes: Nodes, inputs: Sequence[Name], axis: int, newAxis: int, output: Name) -> None:
    """Output = the inputs one behind the other along an axis, which is a new one where that is said."""
    if newAxis:
        stacked = []
        for name in inputs:
            stacked.append(nodes.between())
            nodes.node("Unsqueeze", [name, nodes.constant([axis])], [stacked[-1]])
        inputs = stacked
    nodes.node("Concat", inputs, [output], axis=axis)


def _constant(nodes: Nodes, type: str, values: Sequence[Any], shape: Sequence[int], nameX: Name, nameY: Name) -> None:
    """Y = values, or, where there is an X, a tensor of the shape that is in X full of the one value (ConstantOfShape)."""
    dtype = numpy_type(type_of_template(type))
    array = np.array(values, dtype)
    if nameX:
        nodes.node("ConstantOfShape", [nameX], [nameY], value=numpy_helper.from_array(array.reshape(1)))
    else:
        nodes.node("Constant", [], [nameY], value=numpy_helper.from_array(array.reshape(list(shape))))


def _expand(nodes: Nodes, nameX: Name, nameShape: Name, nameY: Name) -> None:
    """Y = X repeated to a shape."""
    nodes.node("Expand", [nameX, nameShape], [nameY])


def _eye_like(nodes: Nodes, dtype: int, k: int, nameX: Name, nameY: Name) -> None:
    """Y = ones on diagonal k of a matrix like X, zeros elsewhere."""
    nodes.node("EyeLike", [nameX], [nameY], dtype=dtype or None, k=k)


def _gather(nodes: Nodes, attrAxis: int, nameX: Name, nameIndices: Name, nameY: Name) -> None:
    """Y = the slices of X along an axis that the indices say."""
    nodes.node("Gather", [nameX, nameIndices], [nameY], axis=attrAxis)


def _gather_nd(nodes: Nodes, batch_dims: int, nameX: Name, nameIndices: Name, nameY: Name) -> None:
    """Y = the slices of X that rows of indices say."""
    nodes.node("GatherND", [nameX, nameIndices], [nameY], batch_dims=batch_dims)


def _identity(nodes: Nodes, nameX: Name, nameY: Name) -> None:
    """Y = X."""
    nodes.node("Identity", [nameX], [nameY])


def _non_zero(nodes: Nodes, nameX: Name, nameY: Name) -> None:
    """Y = where X is not 0."""
    nodes.node("NonZero", [nameX], [nameY])


def _pad(nodes: Nodes, nameX: Name, nameP: Name, nameCV: Name, nameAX: Name, nameY: Name, mode: str) -> None:
    """Y = X with elements around it: P says how many, CV which value, AX on which axes."""
    nodes.node("Pad", [nameX, nameP, nameCV, nameAX], [nameY], mode=mode or None)


def _range(nodes: Nodes, start: Name, limit: Name, delta: Name, nameOutput: Name) -> None:
    """Output = start, start + delta, ... below limit."""
    nodes.node("Range", [start, limit, delta], [nameOutput])


def _reshape(nodes: Nodes, opMode: ReshapeOpMode, attr_value: int, nameData: Name, nameInput2: Name, nameOutput: Name) -> None:
    """Output = Data in another shape; the attribute is Reshape's allowzero, or Flatten's axis, Input2 the shape, or the axes."""
    if opMode is ReshapeOpMode.Flatten:
        nodes.node("Flatten", [nameData], [nameOutput], axis=attr_value)
    else:
        allow = attr_value or None if opMode is ReshapeOpMode.Reshape else None
        nodes.node(opMode.name, [nameData, nameInput2], [nameOutput], allowzero=allow)


def _reshape_by_axes(nodes: Nodes, opMode: ReshapeOpMode, attrAxes: Sequence[int], nameData: Name, nameOutput: Name) -> None:
    if opMode not in (ReshapeOpMode.Squeeze, ReshapeOpMode.Unsqueeze):
        raise SofieError(f"TMVA-SOFIE: ROperator_Reshape: a list of axes is for Squeeze and Unsqueeze, not for {opMode.name}")
    axes = [nodes.constant(list(attrAxes))] if attrAxes else []
    nodes.node(opMode.name, [nameData, *axes], [nameOutput])


def _scatter_elements(nodes: Nodes, nameX: Name, nameI: Name, nameU: Name, nameY: Name, axis: int, reduction: str) -> None:
    """Y = X with the elements U where the indices I say along an axis."""
    nodes.node("ScatterElements", [nameX, nameI, nameU], [nameY], axis=axis, reduction=reduction or None)


def _scatter_nd(nodes: Nodes, nameX: Name, nameI: Name, nameU: Name, nameY: Name, reduction: str) -> None:
    """Y = X with the slices U where rows of the indices I say."""
    nodes.node("ScatterND", [nameX, nameI, nameU], [nameY], reduction=reduction or None)


def _shape(nodes: Nodes, start: int, end: int, nameX: Name, nameY: Name) -> None:
    """Y = the sizes of X from start to end."""
    nodes.node("Shape", [nameX], [nameY], start=start, end=end)


def _slice(nodes: Nodes, nameData: Name, names: Sequence[Name], nameOutput: Name) -> None:
    """Output = a part of Data: starts, ends, axes and steps are tensors, of which the latter two may be left out ("")."""
    nodes.node("Slice", [nameData, *names], [nameOutput])


def _slice_by_attributes(
    nodes: Nodes, nameData: Name, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], nameOutput: Name
) -> None:
    bounds = [nodes.constant(list(values)) for values in (starts, ends, *([axes] if axes else []))]
    nodes.node("Slice", [nameData, *bounds], [nameOutput])


def _split(nodes: Nodes, nameX: Name, nameS: Name, axis: int, namesY: Sequence[Name]) -> None:
    """The Ys = X in parts along an axis, of the lengths in S, or of one length if there is no S ("")."""
    nodes.node("Split", [nameX, nameS], namesY, axis=axis, num_outputs=None if nameS else len(namesY))


def _tile(nodes: Nodes, nameRepeat: Name, nameInput: Name, nameY: Name) -> None:
    """Y = the input, repeated along each axis as often as Repeat says."""
    nodes.node("Tile", [nameInput, nameRepeat], [nameY])


def _top_k(
    nodes: Nodes, attr_axis: int, attr_largest: int, attr_sorted: int, nameK: Name, nameX: Name, nameVal: Name, nameInd: Name
) -> None:
    """Val and Ind = the K largest or smallest elements of X along an axis, and where they stand."""
    nodes.node("TopK", [nameX, nameK], [nameVal, nameInd], axis=attr_axis, largest=attr_largest, sorted=attr_sorted)


def _transpose(nodes: Nodes, attr_perm: Sequence[int], nameData: Name, nameOutput: Name) -> None:
    """Output = Data with its axes in another order."""
    nodes.node("Transpose", [nameData], [nameOutput], perm=list(attr_perm) or None)


def _transpose_all(nodes: Nodes, nameData: Name, nameOutput: Name) -> None:
    _transpose(nodes, [], nameData, nameOutput)


def _where(nodes: Nodes, nameC: Name, nameX: Name, nameY: Name, nameZ: Name) -> None:
    """Z = X where C, Y elsewhere. SOFIE's order up to ROOT 6.38, with the condition in the third place, is known by the types."""
    if nodes.type_of(nameC) != ETensorType.BOOL and nodes.type_of(nameY) == ETensorType.BOOL:
        nameC, nameX, nameY = nameY, nameC, nameX
    nodes.node("Where", [nameC, nameX, nameY], [nameZ])


def _if(nodes: Nodes, nameX: Name, nameYs: Sequence[Name], model_then: Branch, model_else: Branch) -> None:
    """The Ys = the outputs of one model or of the other; both see the tensors of the model that they are in."""
    nodes.node("If", [nameX], nameYs, then_branch=model_then.branch(nameYs), else_branch=model_else.branch(nameYs))


def _random(
    nodes: Nodes, mode: RandomOpMode, type: ETensorType, nameX: Name, nameY: Name, shape: Sequence[int], params: Mapping[str, float],
    seed: float,
) -> None:  # fmt: skip
    """Y = drawn numbers: onnxruntime's for the seed, not those of TRandom3; the same at every call."""
    op, wanted = ("RandomNormal", {"mean", "scale"}) if mode is RandomOpMode.kNormal else ("RandomUniform", {"low", "high"})
    if params.keys() != wanted:
        raise SofieError(f"TMVA-SOFIE: ROperator_Random: {op} has the parameters {' and '.join(sorted(wanted))}, not {dict(params)}")
    said: dict[str, Any] = {"dtype": int(type), "seed": seed, **params}
    if nameX:
        nodes.node(f"{op}Like", [nameX], [nameY], **said)
    else:
        nodes.node(op, [], [nameY], shape=list(shape), **said)


def _custom(
    nodes: Nodes, OpName: str, Inputs: Sequence[Name], Outputs: Sequence[Name], OutputShapes: Sequence[Sequence[int]], HeaderName: str
) -> None:
    """An operator that `onnx_bridge.custom_op` has declared under this name: what it computes is told there, not by a header."""
    found = [op for op in known().values() if op.name == OpName]
    if len(found) != 1:
        raise SofieError(
            f"TMVA-SOFIE: ROperator_Custom: {'no operator' if not found else 'more than one operator'} called {OpName!r} is declared. The "
            f"code in {HeaderName} cannot be proved; declare what it computes by onnx_bridge.custom_op('domain::{OpName}', ...)"
        )
    nodes.node(OpName, Inputs, Outputs, domain=found[0].domain)


MOVING = {
    "Cast": Template("Cast", (), _cast),
    "Concat": Template("Concat", (), _concat),
    "Constant": Template("Constant", _T, _constant),
    "Custom": Template("Custom", _T, _custom),
    "Expand": Template("Expand", _T, _expand),
    "EyeLike": Template("EyeLike", (), _eye_like),
    "Gather": Template("Gather", (), _gather),
    "GatherND": Template("GatherND", (), _gather_nd),
    "Identity": Template("Identity", _T, _identity),
    "If": Template("If", (), _if),
    "NonZero": Template("NonZero", _T, _non_zero),
    "Pad": Template("Pad", _T, _pad),
    "Random": Template("Random", (), _random),
    "Range": Template("Range", _T, _range),
    "Reshape": Template("Reshape", (), _reshape, _reshape_by_axes),
    "ScatterElements": Template("ScatterElements", (), _scatter_elements),
    "ScatterND": Template("ScatterND", (), _scatter_nd),
    "Shape": Template("Shape", (), _shape),
    "Slice": Template("Slice", _T, _slice, _slice_by_attributes),
    "Split": Template("Split", (), _split),
    "Tile": Template("Tile", _T, _tile),
    "TopK": Template("TopK", _T, _top_k),
    "Transpose": Template("Transpose", _T, _transpose, _transpose_all),
    "Where": Template("Where", _T, _where),
}
