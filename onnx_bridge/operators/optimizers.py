"""Adagrad, Adam and Momentum of ai.onnx.preview.training: one step of an optimizer, for any number of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float64, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts, onnx

DOMAIN = "ai.onnx.preview.training"


class Optimizer(Composite):
    """What the three have in common: inputs are a rate, a count of steps, then all x, all gradients and all states of each kind.

    The outputs are all new x, then all new states of each kind. Parameters that hang on the count are computed in double.
    """

    computes = (WIDE_FLOATS, (int64,), WIDE_FLOATS)
    tested_by = "test_training.py"

    #: How many states a tensor has.
    states: ClassVar[int] = 1
    norm_coefficient: float = 0.0

    def types(self, rate: Tensor, count: Tensor, *tensors: Tensor) -> list[Type]:
        for tensor, what in ((rate, "R"), (count, "T")):
            if tensor.count != 1 or tensor.rank > 1:
                raise ShapeError(f"{what} must be one number, got {tensor.type}")
        kinds = 2 + self.states
        if not tensors or len(tensors) % kinds:
            raise ShapeError(f"behind R and T there must be {kinds} tensors for each that is optimised, got {len(tensors)}")
        each = len(tensors) // kinds
        for index, tensor in enumerate(tensors):
            x = tensors[index % each]
            fits(tensor, x.shape, f"input {index + 2}")
            if tensor.dtype is not x.dtype:
                raise ShapeError(f"input {index + 2} must be {x.dtype}, got {tensor.type}")
        return [x.type for _ in range(1 + self.states) for x in tensors[:each]]

    def parts(self, build: Parts) -> list[Tensor]:
        tensors = [self.input(index) for index in range(2, len(self.inputs))]
        each = len(tensors) // (2 + self.states)
        made = []
        for place in range(each):
            x, gradient, *states = tensors[place::each]
            if self.norm_coefficient:
                gradient = self.add(build, self.times(build, x, self.norm_coefficient), gradient)
            made.append(self.step(build, x, gradient, states))
        return [tensor for kind in zip(*made, strict=True) for tensor in kind]

    def step(self, build: Parts, x: Tensor, gradient: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        """The new x and the new states."""
        raise NotImplementedError(type(self).__name__)

    # ---- arithmetic

    def rate(self, build: Parts) -> Tensor:
        """The rate, in double."""
        return build.add(onnx("Cast"), build.reshape(self.input(0), ()), to=float64.onnx)

    def count(self, build: Parts) -> Tensor:
        """The count of steps, in double."""
        return build.add(onnx("Cast"), build.reshape(self.input(1), ()), to=float64.onnx)

    def if_begun(self, build: Parts, then: Tensor, otherwise: Tensor) -> Tensor:
        """One number where there were steps, else the other."""
        count = build.reshape(self.input(1), ())
        return build.add(onnx("Where"), build.add(onnx("Greater"), count, build.constant("none", 0, count)), then, otherwise)

    def like(self, build: Parts, number: Tensor, x: Tensor) -> Tensor:
        """A number in double as one of the type of x."""
        return number if x.dtype is float64 else build.add(onnx("Cast"), number, to=x.dtype.onnx)

    def times(self, build: Parts, x: Tensor, factor: float | Tensor) -> Tensor:
        return build.add(onnx("Mul"), x, factor if isinstance(factor, Tensor) else build.constant("factor", factor, x))

    def add(self, build: Parts, a: Tensor, b: float | Tensor) -> Tensor:
        return build.add(onnx("Add"), a, b if isinstance(b, Tensor) else build.constant("term", b, a))

    def minus(self, build: Parts, a: Tensor, b: Tensor) -> Tensor:
        return build.add(onnx("Sub"), a, b)


@operator("Adagrad", domain=DOMAIN)
class Adagrad(Optimizer):
    """h += g * g; x -= rate / (1 + count * decay_factor) * g / (sqrt(h) + epsilon), g being the gradient + norm_coefficient * x."""

    decay_factor: float = attribute(0.0)
    epsilon: float = attribute(1e-6)
    norm_coefficient: float = attribute(0.0)

    def step(self, build: Parts, x: Tensor, gradient: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        slower = self.add(build, self.times(build, self.count(build), self.decay_factor), 1.0)
        rate = self.like(build, build.add(onnx("Div"), self.rate(build), slower), x)
        squares = self.add(build, states[0], self.times(build, gradient, gradient))
        root = self.add(build, build.add(onnx("Sqrt"), squares), self.epsilon)
        return self.minus(build, x, build.add(onnx("Div"), self.times(build, gradient, rate), root)), squares


@operator("Adam", domain=DOMAIN)
class Adam(Optimizer):
    """v = alpha * v + (1 - alpha) * g; h = beta * h + (1 - beta) * g * g; x -= rate * v / (sqrt(h) + epsilon), times what is left of it.

    g is the gradient + norm_coefficient * x; behind the first step the rate is times sqrt(1 - beta^count) / (1 - alpha^count); at last x is
    times 1 - norm_coefficient_post.
    """

    states = 2
    alpha: float = attribute(0.8999999761581421)
    beta: float = attribute(0.9990000128746033)
    epsilon: float = attribute(1e-6)
    norm_coefficient: float = attribute(0.0)
    norm_coefficient_post: float = attribute(0.0)

    def rest(self, build: Parts, base: float) -> Tensor:
        """1 - base^count."""
        count = self.count(build)
        power = build.add(onnx("Pow"), build.constant("base", base, count), count)
        return self.minus(build, build.constant("one", 1.0, count), power)

    def step(self, build: Parts, x: Tensor, gradient: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        rate = self.rate(build)
        corrected = build.add(onnx("Div"), build.add(onnx("Sqrt"), self.rest(build, self.beta)), self.rest(build, self.alpha))
        rate = self.like(build, self.if_begun(build, self.times(build, rate, corrected), rate), x)
        mean = self.add(build, self.times(build, states[0], self.alpha), self.times(build, gradient, 1.0 - self.alpha))
        square = self.times(build, self.times(build, gradient, gradient), 1.0 - self.beta)
        squares = self.add(build, self.times(build, states[1], self.beta), square)
        root = self.add(build, build.add(onnx("Sqrt"), squares), self.epsilon)
        moved = self.minus(build, x, self.times(build, build.add(onnx("Div"), mean, root), rate))
        return self.times(build, moved, 1.0 - self.norm_coefficient_post) if self.norm_coefficient_post else moved, mean, squares


@operator("Momentum", domain=DOMAIN)
class Momentum(Optimizer):
    """v = alpha * v + beta * g, at the first step alpha * v + g; x -= rate * v, or with mode nesterov rate * (g + alpha * v).

    g is the gradient + norm_coefficient * x.
    """

    alpha: float = attribute()
    beta: float = attribute()
    mode: str = attribute()
    norm_coefficient: float = attribute()

    def step(self, build: Parts, x: Tensor, gradient: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        if self.mode not in ("standard", "nesterov"):
            raise UnsupportedForm(f"mode must be standard or nesterov, got {self.mode!r}")
        beta = self.if_begun(build, build.constant("beta", self.beta, x), build.constant("first", 1.0, x))
        speed = self.add(build, self.times(build, states[0], self.alpha), self.times(build, gradient, beta))
        way = speed if self.mode == "standard" else self.add(build, gradient, self.times(build, speed, self.alpha))
        return self.minus(build, x, self.times(build, way, self.like(build, self.rate(build), x))), speed
