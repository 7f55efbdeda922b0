"""Squareplus: (x + sqrt(x^2 + b)) / 2, a softplus without exp. Keras and JAX have it, ONNX does not."""

from onnx_bridge import custom_op
from onnx_bridge.operators.cases import case, data

squareplus = custom_op(
    "onnx_bridge::Squareplus",
    """
    Squareplus <b: float = 4.0> (x) => (y) {
        number = Constant <value_float: float = @b> ()
        offset = CastLike (number, x)
        half_number = Constant <value_float: float = 0.5> ()
        half = CastLike (half_number, x)
        square = Mul (x, x)
        sum = Add (square, offset)
        root = Sqrt (sum)
        both = Add (x, root)
        y = Mul (both, half)
    }
    """,
    functor="0.5 * (x + sqrt(x * x + b))",
    patterns=(
        # keras.activations.squareplus, jax.nn.squareplus
        """(x) => (y) {
            number = Constant <value_float: float = @b> ()
            half = Constant <value_float: float = 0.5> ()
            square = Mul (x, x)
            sum = Add (square, number)
            root = Sqrt (sum)
            both = Add (x, root)
            y = Mul (both, half)
        }""",
        # by hand in PyTorch: (x + torch.sqrt(x * x + b)) / 2
        """(x) => (y) {
            number = Constant <value_float: float = @b> ()
            two = Constant <value_float: float = 2.0> ()
            square = Mul (x, x)
            sum = Add (square, number)
            root = Sqrt (sum)
            both = Add (x, root)
            y = Div (both, two)
        }""",
    ),
    cases=(
        case(x=data("N", 37, low=-6, high=6)),
        case(x=data(9, low=-6, high=6), attributes={"b": 0.25}),
        case(x=data(3, 5, dtype="float64")),
    ),
)
