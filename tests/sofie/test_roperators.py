"""SOFIE's operators: the node of ONNX that each becomes, from SOFIE's arguments in SOFIE's order."""

from __future__ import annotations

import re

import pytest
from onnx import helper, numpy_helper

from onnx_bridge import SofieError
from onnx_bridge import sofie as SOFIE
from onnx_bridge.sofie.roperator import Nodes, ROperator

F, I64 = "float", "int64_t"
UNARY, BINARY, NARY, IS = SOFIE.EBasicUnaryOperator, SOFIE.EBasicBinaryOperator, SOFIE.EBasicNaryOperator, SOFIE.EBasicIsOperator
WINDOW = SOFIE.RAttributes_Pool(kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1])

#: Calls as scripts write them, and the nodes.
CALLS: list[tuple[ROperator, str]] = [
    (SOFIE.ROperator_Gemm[F](0.5, 2.0, 0, 1, "a", "b", "c", "y"), "y = Gemm(a, b, c) alpha=0.5 beta=2.0 transA=0 transB=1"),
    (SOFIE.ROperator_Gemm(F)(1, 1, 0, 0, "a", "b", "y"), "y = Gemm(a, b) alpha=1.0 beta=1.0 transA=0 transB=0"),
    (
        SOFIE.ROperator_Gemm[F](1.0, 1.0, 0, 0, "a", "b", "c", "y", SOFIE.EActivationType.RELU),
        "t0 = Gemm(a, b, c) alpha=1.0 beta=1.0 transA=0 transB=0; y = Relu(t0)",
    ),
    (
        SOFIE.ROperator_Conv[F]("NOTSET", [1, 1], 2, [3, 3], [1, 1, 1, 1], [2, 2], "x", "w", "b", "y"),
        "y = Conv(x, w, b) dilations=[1, 1] group=2 kernel_shape=[3, 3] pads=[1, 1, 1, 1] strides=[2, 2]",
    ),
    (SOFIE.ROperator_Conv[F]("SAME_UPPER", [], 1, [3], [0, 0], [1], "x", "w", "", "y"),
     "y = Conv(x, w) auto_pad=SAME_UPPER group=1 kernel_shape=[3] strides=[1]"),
    (
        SOFIE.ROperator_ConvTranspose[F]("NOTSET", [1], 1, [3], [1], [], [0, 0], [2], "x", "w", "b", "y"),
        "y = ConvTranspose(x, w, b) dilations=[1] group=1 kernel_shape=[3] output_padding=[1] pads=[0, 0] strides=[2]",
    ),
    (SOFIE.ROperator_Pool[F](SOFIE.MaxPool, WINDOW, "x", "y"), "y = MaxPool(x) kernel_shape=[2, 2] pads=[0, 0, 1, 1] strides=[2, 2]"),
    (SOFIE.ROperator_Pool[F](SOFIE.PoolOpMode.GlobalAveragePool, WINDOW, "x", "y"), "y = GlobalAveragePool(x)"),
    (
        SOFIE.ROperator_BatchNormalization[F](1e-3, 0.75, 0, "x", "scale", "b", "mean", "var", "y"),
        "y = BatchNormalization(x, scale, b, mean, var) epsilon=0.001 momentum=0.75",
    ),
    (SOFIE.ROperator_LayerNormalization[F](-1, 0.5, 1, "x", "scale", "", "y", "", ""),
     "y = LayerNormalization(x, scale) axis=-1 epsilon=0.5 stash_type=1"),
    (SOFIE.ROperator_InstanceNormalization[F](0.5, "x", "s", "b", "y"), "y = InstanceNormalization(x, s, b) epsilon=0.5"),
    (
        SOFIE.ROperator_LSTM[F]([], [], [], 0.0, "forward", 6, 0, 0, "x", "w", "r", "b", "", "", "", "", "y", "", "c"),
        "y, , c = LSTM(x, w, r, b) direction=forward hidden_size=6",
    ),
    (
        SOFIE.ROperator_GRU[F]([], [], ["Sigmoid", "Tanh"], 0.0, "reverse", 4, 0, 1, "x", "w", "r", "", "", "h", "", "yh"),
        ", yh = GRU(x, w, r, , , h) activations=['Sigmoid', 'Tanh'] direction=reverse hidden_size=4 linear_before_reset=1",
    ),
    (SOFIE.ROperator_RNN[F]([], [], [], 3.0, "forward", 4, 0, "x", "w", "r", "b", "", "", "y", ""),
     "y = RNN(x, w, r, b) clip=3.0 direction=forward hidden_size=4"),
    (SOFIE.ROperator_BasicUnary[F, UNARY.kReciprocal]("x", "y"), "y = Reciprocal(x)"),
    (SOFIE.ROperator_BasicUnary(F, UNARY.kSqrt)("x", "y"), "y = Sqrt(x)"),
    (SOFIE.ROperator_BasicBinary[F, BINARY.Add]("a", "b", "y"), "y = Add(a, b)"),
    (SOFIE.ROperator_BasicBinary["float,TMVA::Experimental::SOFIE::EBasicBinaryOperator::Pow"]("a", "b", "y"), "y = Pow(a, b)"),
    (SOFIE.ROperator_BasicBinary[F, SOFIE.FMod]("a", "b", "y"), "y = Mod(a, b) fmod=1"),
    (SOFIE.ROperator_BasicNary[F, NARY.Mean](["a", "b", "c"], "y"), "y = Mean(a, b, c)"),
    (SOFIE.ROperator_Basic_Is[IS.kIsInfNeg]("x", "y"), "y = IsInf(x) detect_negative=1 detect_positive=0"),
    (SOFIE.ROperator_Basic_Is[IS.kIsNaN]("x", "y"), "y = IsNaN(x)"),
    (SOFIE.ROperator_Comparision[F, SOFIE.GreaterEq]("a", "b", "y"), "y = GreaterOrEqual(a, b)"),
    (SOFIE.ROperator_Reduce[F, SOFIE.ReduceSumSquare](0, [1], "x", "", "y"), "y = ReduceSumSquare(x, [1]) keepdims=0"),
    (SOFIE.ROperator_Reduce[F, SOFIE.ReduceMean](1, [], "x", "axes", "y"), "y = ReduceMean(x, axes) keepdims=1"),
    (SOFIE.ROperator_Softmax[F](-1, "x", "y"), "y = Softmax(x) axis=-1"),
    (SOFIE.ROperator_Softmax[F](1, "x", "y", True), "y = LogSoftmax(x) axis=1"),
    (SOFIE.ROperator_Elu[F](0.5, "x", "y"), "y = Elu(x) alpha=0.5"),
    (SOFIE.ROperator_LeakyRelu[F](0.5, "x", "y"), "y = LeakyRelu(x) alpha=0.5"),
    (SOFIE.ROperator_HardSigmoid[F](0.25, 0.5, "x", "y"), "y = HardSigmoid(x) alpha=0.25 beta=0.5"),
    (SOFIE.ROperator_HardSwish[F]("x", "y"), "y = HardSwish(x)"),
    (SOFIE.ROperator_Swish("float")("x", "y"), "t0 = Sigmoid(x); y = Mul(x, t0)"),
    (SOFIE.ROperator_Gelu[F]("x", "y", "tanh"), "y = Gelu(x) approximate=tanh"),
    (SOFIE.ROperator_Clip[F]("x", "y", "", "most"), "y = Clip(x, , most)"),
    (SOFIE.ROperator_Einsum[F]("ij,jk->ik", ["a", "b"], "y"), "y = Einsum(a, b) equation=ij,jk->ik"),
    (SOFIE.ROperator_Erf[F]("x", "y"), "y = Erf(x)"),
    (SOFIE.ROperator_Relu("x", "y"), "y = Relu(x)"),
    (SOFIE.ROperator_Selu[F]("x", "y"), "y = Selu(x)"),
    (SOFIE.ROperator_Sigmoid[F]("dense/a:0", "dense-b"), "dense_b = Sigmoid(densea0)"),
    (SOFIE.ROperator_Softplus[F]("x", "y"), "y = Softplus(x)"),
    (SOFIE.ROperator_Tanh[F]("x", "y"), "y = Tanh(x)"),
    (SOFIE.ROperator_Not("x", "y"), "y = Not(x)"),
    (SOFIE.ROperator_Cast("float", "x", "y"), "y = Cast(x) to=1"),
    (SOFIE.ROperator_Cast(SOFIE.ETensorType.INT64, "x", "y"), "y = Cast(x) to=7"),
    (SOFIE.ROperator_Concat(["a", "b"], 1, 0, "y"), "y = Concat(a, b) axis=1"),
    (SOFIE.ROperator_Concat[F](["a", "b"], 1, 1, "y"), "t0 = Unsqueeze(a, [1]); t1 = Unsqueeze(b, [1]); y = Concat(t0, t1) axis=1"),
    (SOFIE.ROperator_Constant[I64]("int64_t", [2**60, 3], [2], "", "y"), f"y = Constant() value=[{2**60}, 3]"),
    (SOFIE.ROperator_Constant[F]("float", [0.5], [], "shape", "y"), "y = ConstantOfShape(shape) value=[0.5]"),
    (SOFIE.ROperator_Expand[F]("x", "shape", "y"), "y = Expand(x, shape)"),
    (SOFIE.ROperator_EyeLike(11, 1, "x", "y"), "y = EyeLike(x) dtype=11 k=1"),
    (SOFIE.ROperator_Gather(1, "x", "i", "y"), "y = Gather(x, i) axis=1"),
    (SOFIE.ROperator_GatherND(1, "x", "i", "y"), "y = GatherND(x, i) batch_dims=1"),
    (SOFIE.ROperator_Identity[F]("x", "y"), "y = Identity(x)"),
    (SOFIE.ROperator_NonZero[F]("x", "y"), "y = NonZero(x)"),
    (SOFIE.ROperator_Pad[F]("x", "pads", "value", "", "y", "constant"), "y = Pad(x, pads, value) mode=constant"),
    (SOFIE.ROperator_Range[F]("a", "b", "c", "y"), "y = Range(a, b, c)"),
    (SOFIE.ROperator_Reshape(SOFIE.Reshape, 0, "x", "shape", "y"), "y = Reshape(x, shape)"),
    (SOFIE.ROperator_Reshape(SOFIE.Flatten, 2, "x", "", "y"), "y = Flatten(x) axis=2"),
    (SOFIE.ROperator_Reshape(SOFIE.ReshapeOpMode.Squeeze, [0, 2], "x", "y"), "y = Squeeze(x, [0, 2])"),
    (SOFIE.ROperator_ScatterElements("x", "i", "u", "y", 1, "add"), "y = ScatterElements(x, i, u) axis=1 reduction=add"),
    (SOFIE.ROperator_ScatterND("x", "i", "u", "y", ""), "y = ScatterND(x, i, u)"),
    (SOFIE.ROperator_Shape(0, 2, "x", "y"), "y = Shape(x) end=2 start=0"),
    (SOFIE.ROperator_Slice[F]("x", ["starts", "ends", "", "steps"], "y"), "y = Slice(x, starts, ends, , steps)"),
    (SOFIE.ROperator_Slice[F]("x", [0], [3], [1], "y"), "y = Slice(x, [0], [3], [1])"),
    (SOFIE.ROperator_Split("x", "", 1, ["a", "b"]), "a, b = Split(x) axis=1 num_outputs=2"),
    (SOFIE.ROperator_Tile[F]("repeats", "x", "y"), "y = Tile(x, repeats)"),
    (SOFIE.ROperator_TopK[F](1, 0, 1, "k", "x", "v", "i"), "v, i = TopK(x, k) axis=1 largest=0 sorted=1"),
    (SOFIE.ROperator_Transpose[F]([1, 0], "x", "y"), "y = Transpose(x) perm=[1, 0]"),
    (SOFIE.ROperator_Transpose[F]("x", "y"), "y = Transpose(x)"),
    (SOFIE.ROperator_Where[F]("bools", "a", "b", "y"), "y = Where(bools, a, b)"),
    (SOFIE.ROperator_Where[F]("a", "b", "bools", "y"), "y = Where(bools, a, b)"),
    (
        SOFIE.ROperator_Random(SOFIE.kNormal, SOFIE.ETensorType.FLOAT, "", "y", [2, 3], {"mean": 0.0, "scale": 1.0}, 7.0),
        "y = RandomNormal() dtype=1 mean=0.0 scale=1.0 seed=7.0 shape=[2, 3]",
    ),
    (
        SOFIE.ROperator_Random(SOFIE.kUniform, SOFIE.ETensorType.FLOAT, "x", "y", [], {"low": 0.0, "high": 1.0}, 7.0),
        "y = RandomUniformLike(x) dtype=1 high=1.0 low=0.0 seed=7.0",
    ),
]  # fmt: skip


def said(op: ROperator) -> str:
    """The nodes of an operator, in a line."""
    nodes = Nodes("op", op.kinds, lambda name: SOFIE.ETensorType.BOOL if name == "bools" else SOFIE.ETensorType.FLOAT)
    op.write(nodes)
    values = {tensor.name: str(numpy_helper.to_array(tensor).tolist()) for tensor in nodes.constants}
    lines = []
    for node in nodes.nodes:
        given = []
        for attribute in sorted(node.attribute, key=lambda a: a.name):
            value = helper.get_attribute_value(attribute)
            if attribute.name == "value":
                value = numpy_helper.to_array(value).tolist()
            value = (
                value.decode()
                if isinstance(value, bytes)
                else [v.decode() if isinstance(v, bytes) else v for v in value]
                if isinstance(value, list)
                else value
            )
            given.append(f" {attribute.name}={round(value, 6) if isinstance(value, float) else value}")
        inputs = ", ".join(values.get(name, name) for name in node.input)
        lines.append(re.sub(r"op_between_", "t", f"{', '.join(node.output)} = {node.op_type}({inputs})") + "".join(given))
    return "; ".join(lines)


@pytest.mark.parametrize(("op", "wanted"), CALLS, ids=lambda part: part.name if isinstance(part, ROperator) else "")
def test_an_operator_is_the_node_that_its_arguments_say(op: ROperator, wanted: str) -> None:
    assert said(op) == wanted


def test_every_operator_is_called_here() -> None:
    """If and Custom, which hold something of another's, have tests of their own."""
    called = {op.name for op, _ in CALLS} | {"ROperator_If", "ROperator_Custom"}

    assert called == {name for name in dir(SOFIE) if name.startswith("ROperator_")}


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: SOFIE.ROperator_Relu[F]("x"), "ROperator_Relu(std::string nameX, std::string nameY): missing a required"),
        (lambda: SOFIE.ROperator_Elu[F]("x", 1.0, "y"), "alpha must be a number, not 'x'"),
        (lambda: SOFIE.ROperator_Softmax[F](1.5, "x", "y"), "attr_axis must be a whole number, not 1.5"),
        (lambda: SOFIE.ROperator_Pool[F]("max", WINDOW, "x", "y"), "mode must be a PoolOpMode, not 'max'"),
        (lambda: SOFIE.ROperator_Gemm["flaot"], "'flaot' is no element type; such are float, "),
        (lambda: SOFIE.ROperator_BasicBinary[F, UNARY.kExp], "the template argument must be one of Add, Sub, Mul, Div, Pow"),
        (lambda: SOFIE.ROperator_BasicBinary("a", "b", "y"), "<T, EBasicBinaryOperator>: its template arguments come first"),
        (lambda: SOFIE.RModel_GNN, "models of GraphNets are not read"),
    ],
)  # fmt: skip
def test_what_is_no_call_says_what_one_is(call: object, why: str) -> None:
    with pytest.raises(SofieError, match=re.escape(why)):
        call()  # type: ignore[operator]
