"""Swish: x sigmoid(alpha x). ai.onnx has it from opset 24 on, which no exporter writes and few runtimes read."""

from onnx_bridge import custom_op
from onnx_bridge.operators.cases import case, data

swish = custom_op(
    "onnx_bridge::Swish",
    """
    Swish <alpha: float = 1.0> (x) => (y) {
        number = Constant <value_float: float = @alpha> ()
        slope = CastLike (number, x)
        scaled = Mul (slope, x)
        share = Sigmoid (scaled)
        y = Mul (x, share)
    }
    """,
    functor="swish(x, alpha)",
    patterns=(
        # torch.nn.SiLU, flax.linen.silu; Keras where nothing is in front of it that takes up a factor of one
        "(x) => (y) { share = Sigmoid (x) y = Mul (x, share) }",
        # Keras elsewhere; QuickGelu as it is written by hand
        """(x) => (y) {
            number = Constant <value_float: float = @alpha> ()
            scaled = Mul (number, x)
            share = Sigmoid (scaled)
            y = Mul (x, share)
        }""",
        # by hand: x / (1 + exp(-x))
        """(x) => (y) {
            one = Constant <value_float: float = 1.0> ()
            negative = Neg (x)
            power = Exp (negative)
            sum = Add (one, power)
            y = Div (x, sum)
        }""",
    ),
    cases=(
        case(x=data("N", 37, low=-6, high=6)),
        case(x=data(9, low=-6, high=6), attributes={"alpha": 1.702}),
        case(x=data(2, 5, low=-3, high=3, dtype="float64"), attributes={"alpha": -0.5}),
        case(x=data(0, 3)),
    ),
)
