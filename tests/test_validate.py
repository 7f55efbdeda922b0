"""The validator: every pass leaves a model that agrees with itself, and one that does not is named.

It looks at every conversion of every test (tests/conftest.py sets the variable), and so at all operators' cases and the whole zoo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from test_models import shared_model
from zoo import Net

from onnx_bridge import convert, optimise
from onnx_bridge.errors import InternalError, UnsupportedModel
from onnx_bridge.ir import dims
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel, all_models, all_operators
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.ir.validate import validate
from onnx_bridge.kernel_operators.convolution import Convolution
from onnx_bridge.kernel_operators.dense import Dense
from onnx_bridge.kernel_operators.group import Group
from onnx_bridge.kernel_operators.product import Product
from onnx_bridge.operators.identity import Identity
from onnx_bridge.passes.base import Pass

Break = Callable[[RModel], None]


def net() -> onnx.ModelProto:
    """A Dense with a residual as its epilogue, a Loop around a Dense and around a loop of steps, and two convolutions."""
    made = Net("made")
    x, z = made.input("x", ("N", 4)), made.input("z", ("N", 3))
    h = made("Add", made.dense(x, 4, 3), z)
    body = Net("body", seed=2)
    body.input("turn", (), 7), body.input("on", (), 9)
    now = body.input("now", ("N", 3))
    moved = body("Softmax", body("Mul", body.dense(now, 3, 3), now), axis=1)
    graph = body.graph(still=(body("Identity", "on"), 9, ()), after=(moved, 1, ("N", 3)))
    last = made("Loop", made.constant(2), "", h, body=graph)
    image = made("Conv", made("Reshape", z, made.constant([0, 1, 3, 1])), made.weight(20, 1, 1, 1))
    image = made("Relu", made("Conv", image, made.weight(20, 20, 3, 1), pads=[1, 0, 1, 0]))
    return made.floats(y=(made("Exp", last), ("N", 3)), image=(image, ("N", 20, 3, 1)))


def first(model: RModel, kind: type[ROperator]) -> ROperator:
    """The first operator of a kind."""
    return next(op for op in all_operators(model) if isinstance(op, kind))


def identity(model: RModel, x: Tensor, y: Tensor) -> ROperator:
    """One operator more, in front of all others."""
    op = Identity(name="planted", opset=17)
    op.inputs, op.outputs = [x], [y]
    model.operators.insert(0, op)
    return op


# ---- what a pass may do wrong


def two_producers(model: RModel) -> None:
    identity(model, model.tensor("z"), first(model, Dense).y)


def makes_an_input(model: RModel) -> None:
    identity(model, model.tensor("x"), model.tensor("z"))


def made_too_late(model: RModel) -> None:
    model.operators.reverse()


def made_by_nobody(model: RModel) -> None:
    op = first(model, Dense)
    op.inputs[0] = model.new_tensor("nowhere", op.x.type)


def output_of_nobody(model: RModel) -> None:
    model.outputs[0] = model.new_tensor("nowhere", model.outputs[0].type)


def step_reads_no_input(model: RModel) -> None:
    op = first(model, Dense)
    op.inputs = [tensor for tensor in op.inputs if tensor is not model.tensor("z")]


def step_makes_another_type(model: RModel) -> None:
    """What the step reads gets one more axis, everywhere."""
    tensor = model.tensor("z")
    tensor.declared = Type(tensor.dtype, (5, *tensor.shape))


def no_step_makes_it(model: RModel) -> None:
    op = first(model, Dense)
    op.outputs = [model.new_tensor("other", op.y.type)]
    identity(model, model.tensor("z"), model.tensor("made_Add1"))


def no_step_reads_it(model: RModel) -> None:
    first(model, Group).inputs.append(model.tensor("x"))


def wrong_type(model: RModel) -> None:
    first(model, Convolution).y.declared = Type(model.tensor("z").dtype, (3, 3))


def wrong_type_inside(model: RModel) -> None:
    next(op for op in all_operators(model) if op.op_type == "Softmax").y.declared = Type(model.tensor("z").dtype, (3, 3))


def wrong_layout(model: RModel) -> None:
    first(model, Convolution).y.layout = "planar"


def unknown_to_the_model(model: RModel) -> None:
    tensor = first(model, Dense).y
    model.tensors[tensor.name] = Tensor(tensor.name, tensor.type)


def not_even_a_name(model: RModel) -> None:
    del model.tensors[first(model, Dense).y.name]


def rule_stumbles(model: RModel) -> None:
    op = first(model, Dense)
    assert isinstance(op, Dense)
    op.weights = op.weights.reshape(-1)


def assumes_what_nobody_said(model: RModel) -> None:
    """The residual is added to more rows than it has, if N is not 2 * floor(N / 2)."""
    half = dims.floor_div(dims.symbol("N"), 2) * 2
    op = first(model, Dense)
    model.tensor("z").declared = Type(op.y.dtype, (half, 3))


#: What is broken, behind which pass, what is said of which tensor, and of which operator.
BROKEN: Sequence[tuple[Break, str, str, str]] = [
    (two_producers, "epilogues", r"'made_Add1' is made by planted, too", "Dense"),
    (makes_an_input, "epilogues", r"it makes 'z', which is an input of made", "Identity 'planted'"),
    (made_too_late, "epilogues", r"reads '.*', which .* writes only later, or elsewhere", ""),
    (made_by_nobody, "epilogues", r"reads 'nowhere', which nothing writes", "Dense"),
    (output_of_nobody, "epilogues", r"the model reads 'nowhere', which nothing writes", ""),
    (step_reads_no_input, "epilogues", r"'z': the step made_Add1 reads it, and it is none of the operator's inputs", "Dense"),
    (step_makes_another_type, "epilogues", r"'made_Add1': .* makes float32 \[N, 3\], and by its rule float32 \[5, N, 3\]", "Dense"),
    (no_step_makes_it, "epilogues", r"'made_Add1': the last step makes it, and not 'other'", "Dense"),
    (no_step_reads_it, "epilogues", r"'x': no step reads it", "Pointwise"),
    (wrong_type, "epilogues", r"'made_Conv\d*' is float32 \[3, 3\], and by the rule .* float32 \[N, 20, 3, 1\]", "Convolution"),
    (wrong_type_inside, "epilogues", r"'after' is float32 \[3, 3\], and by the rule of .* it is float32 \[N, 3\]", "Softmax"),
    (wrong_layout, "layout", r"'made_Conv\d*' is planar, which is not how Convolution takes or makes it", "Convolution"),
    (unknown_to_the_model, "epilogues", r"it uses a tensor 'made_Add1', .*, and another one, .*, is called so", ""),
    (not_even_a_name, "epilogues", r"'made_Add1', float32 \[N, 3\], and no tensor of the model is called so", ""),
    (rule_stumbles, "epilogues", r"its types cannot be inferred again: IndexError.*", "Dense"),
    (assumes_what_nobody_said, "epilogues", r"it is right only where .* is .*, which the model does not say", "Dense"),
]


@pytest.mark.parametrize(("broken", "behind", "why", "where"), BROKEN, ids=[row[0].__name__ for row in BROKEN])
def test_what_a_pass_breaks_is_named(monkeypatch: pytest.MonkeyPatch, broken: Break, behind: str, why: str, where: str) -> None:
    """The pass, the operator, the tensor."""
    plant(monkeypatch, broken, behind)

    with pytest.raises(InternalError, match=rf"{why} \(at the stage 'pass planted'.*{where}"):
        convert(net(), verify=False)


def test_without_the_variable_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, unknown_to_the_model, "epilogues")
    for value in ("", "0"):
        monkeypatch.setenv("ONNX_BRIDGE_VALIDATE", value)
        convert(net(), verify=False)


def plant(monkeypatch: pytest.MonkeyPatch, broken: Break, behind: str) -> None:
    """A pass that breaks a model once, behind the pass of another name."""

    class Planted(Pass):
        name = "planted"
        nested = False

        def call(self, model: RModel) -> bool:
            broken(model)
            return True

    at = [step.name for step in optimise.KERNEL_PASSES].index(behind) + 1
    monkeypatch.setattr(optimise, "KERNEL_PASSES", (*optimise.KERNEL_PASSES[:at], Planted, *optimise.KERNEL_PASSES[at:]))


def test_tensors_that_are_used_no_more_are_forgotten() -> None:
    """The weights of a layer are packed: the model does not hold the array of the file any longer."""
    model = convert(net(), verify=False).model
    used = {tensor.name for op in all_operators(model) for tensor in (*op.inputs, *op.outputs) if tensor is not None}
    inside = {tensor.name for each in all_models(model) for tensor in (*each.inputs, *each.outputs)}

    assert set(model.tensors) == used | inside
    assert not any(tensor.is_constant for tensor in model.tensors.values() if tensor.rank == 2)


def test_nothing_is_left_over() -> None:
    """Neither an operator nor a tensor that nobody needs, when the passes are done."""
    model = convert(net(), verify=False).model
    validate(model, "optimise", done=True)
    idle = identity(model, model.tensor("x"), model.new_tensor("unused", model.tensor("x").type))

    with pytest.raises(InternalError, match="nobody needs what it makes: 'unused' .* at Identity 'planted'"):
        validate(model, "optimise", done=True)
    model.operators.remove(idle)
    with pytest.raises(InternalError, match="'unused' is used by nobody"):
        validate(model, "optimise", done=True)


def test_a_product_that_is_written_transposed_keeps_its_steps() -> None:
    """Its last step has the axes of the product, its output those of the Transpose."""
    made = Net("turned")
    a, b = made.input("a", ("N", 2, 3, 4)), made.input("b", ("N", 2, 4, 5))
    h = made("Add", made("MatMul", a, b), made.input("c", ("N", 2, 3, 5)))
    model = made.floats(y=(made("Transpose", h, perm=[0, 2, 1, 3]), ("N", 3, 2, 5)))
    converted = convert(model, verify=False)
    rng = np.random.default_rng(4)
    feeds = {t.name: rng.standard_normal((3, *map(int, t.shape[1:]))).astype(np.float32) for t in converted.model.inputs}

    assert any(op.y_order and op.steps for op in converted.model.operators if isinstance(op, Product))
    wanted = (feeds["a"] @ feeds["b"] + feeds["c"]).transpose(0, 2, 1, 3)
    np.testing.assert_allclose(converted.compile().run(feeds)[0], wanted, rtol=1e-5, atol=1e-5)


def test_operators_of_kernels_are_none_of_onnxs() -> None:
    """A pass over ONNX's operators leaves no others."""
    model = convert(net(), verify=False).model

    with pytest.raises(InternalError, match=r"it is an operator of kernels, and those of ONNX .* 'pass planted', at Dense"):
        validate(model, "pass planted", gives=Dialect.ONNX)


@pytest.mark.slow
def test_every_shared_model_is_sound_after_every_pass(shared: Path) -> None:
    """All that convert; the others say why they do not."""
    files = sorted({file.name.partition(".")[0] for file in (shared / "models").glob("*.onnx")})
    converted = 0
    for name in files:
        try:
            convert(shared_model(shared / "models", name), name="model", verify=False)
            converted += 1
        except UnsupportedModel:
            pass

    assert converted > len(files) / 2
