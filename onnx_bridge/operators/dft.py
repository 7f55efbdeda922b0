"""DFT and STFT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.bounds import assume
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INDICES, WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.kernels import fourier
from onnx_bridge.library import open_axes
from onnx_bridge.operators.cases import case, const, data, given, weight


def _length(tensor: Tensor, what: str) -> Size:
    """A number of elements that a tensor holds."""
    if tensor.count != 1:
        raise ShapeError(f"{what} must be one number, got {tensor.type}")
    (length,) = tensor.sizes()
    if isinstance(length, int) and length < 1:
        raise ShapeError(f"{what} must be positive, got {length}")
    return length


def _check(n: Size) -> None:
    """Whether there can be tables for a length.

    Raises:
        UnsupportedForm: they would be too large.
    """
    if isinstance(n, int) and n > fourier.LONGEST:
        raise UnsupportedForm(f"a transform of {n} numbers is not written; it may have {fourier.LONGEST}")


def _tables(cpp: Writer, n: Size) -> str:
    """The tables of a transform of length n: known, or made in the scratch memory."""
    if isinstance(n, int):
        return cpp.weight(f"fourier_{n}", fourier.tables(n))
    made = cpp.local("tables")
    cpp.line(f"double* const {made} = reinterpret_cast<double*>({cpp.scratch()} + {cpp.size(fourier.tables_at(n))});")
    cpp.call("fourier_tables", n, cpp.scratch(), made)
    return made


@operator("DFT", since=17)
class DFT(ROperator):
    """y[..., k, ..., 2] = the discrete Fourier transform of x[..., j, ..., 1 or 2] (real, or real and imaginary) along an axis.

    `dft_length` cuts x or fills it up with zeros; it is a constant, or computed from dims. onesided: of a real x the numbers up to
    length / 2 alone. inverse, divided by the length; with onesided from the first numbers up to length / 2 to real ones, of which there are
    2 * (size - 1) unless dft_length says otherwise (another dft_length cuts or fills up as in numpy; onnxruntime takes other numbers).
    The axis is an attribute before opset 20 (1), and an input since (-2), which may be a size of the call. Any length takes about n log n
    steps, in double.
    """

    kernels = ("fourier.hxx",)
    computes = (WIDE_FLOATS, INDICES, (int64,))

    axis: int = attribute(1)
    inverse: int = attribute(0)
    onesided: int = attribute(0)

    def flags(self) -> list[Size]:
        """For each axis but the last, of real and imaginary parts, 1 if it is the one that is transformed, else 0."""
        given, rank = self.arguments(3)[2], self.x.rank
        if given is not None and given.count != 1:
            raise ShapeError(f"axis must be one number, got {given.type}")
        asked = [self.axis] if self.opset < 20 else open_axes.numbers([-2], given) or []
        *flags, (last,) = open_axes.places(asked, rank)
        if isinstance(last, int):
            if last:
                raise ShapeError("axis must not be the last one, of real and imaginary parts")
        else:
            dims.assume(-last)
        return [flag for (flag,) in flags]

    def of_axis(self, choices: Iterable[Size]) -> Size:
        """Of sizes, one for each axis but the last, that of the axis that is transformed."""
        return dims.selected(zip(self.flags(), choices, strict=True))

    def length(self) -> Size:
        """How many numbers are transformed."""
        given, size = self.arguments(3)[1], self.of_axis(self.x.shape[:-1])
        if given is not None:
            return _length(given, "dft_length")
        return 2 * (size - 1) if self.inverse and self.onesided else size

    def types(self, x: Tensor, dft_length: Tensor | None = None, axis: Tensor | None = None) -> Type:
        if x.rank < 2 or x.shape[-1] not in (1, 2):
            raise ShapeError(f"x must be [..., 1 or 2], real or complex, got {x.type}")
        if self.onesided and x.shape[-1] != (2 if self.inverse else 1):
            raise ShapeError(f"with onesided x must be {'complex' if self.inverse else 'real'}, got {x.type}")
        flags, n = self.flags(), self.length()
        _check(n)
        if isinstance(n, int) and n < 1:
            raise ShapeError(f"an axis of {self.of_axis(x.shape[:-1])} has no transform")
        if any(not isinstance(flag, int) for flag in flags):
            dims.assume(n - 1)
        kept = dims.floor_div(n, 2) + 1 if self.onesided and not self.inverse else n
        sizes = [dims.selected([(flag, kept), (1 - flag, size)]) for flag, size in zip(flags, x.shape[:-1], strict=True)]
        return Type(x.dtype, (*sizes, 1 if self.onesided and self.inverse else 2))

    def reads(self) -> Sequence[int]:
        return (0,)

    def scratch_bytes(self) -> Size:
        return fourier.scratch_bytes(self.length())

    def emit(self, cpp: Writer) -> None:
        x, y, n, axes = self.x, self.y, self.length(), range(self.x.rank - 1)
        outer, inner = ([dims.product(x.shape[a:b]) for a, b in ends] for ends in ([(0, i) for i in axes], [(i + 1, -1) for i in axes]))
        sizes = [self.of_axis(outer), self.of_axis(x.shape[:-1]), self.of_axis(inner), x.shape[-1]]
        kept, made, inverse = self.of_axis(y.shape[:-1]), y.shape[-1], bool(self.inverse)
        with cpp.block(""):
            half = inverse and bool(self.onesided)
            cpp.call("dft", *sizes, n, kept, made, inverse, half, _tables(cpp, n), cpp.scratch(), x, y)

    cases = (
        case(x=("N", 16, 1), opset=17),
        case(x=(2, 16, 3, 2)),
        case(x=(8, 3, 2), dft_length=None, axis=const(0), attributes={"inverse": 1}),
        case(x=(2, 32, 1), attributes={"onesided": 1}),
        case(x=(2, 9, 2), attributes={"onesided": 1, "inverse": 1}),
        case(x=(2, 12, 1), dft_length=const(16), axis=const(1), attributes={"onesided": 1}),
        case(x=(2, 20, 2), dft_length=const(16, "int32")),
        case(x=data(2, 5, 7, 2, dtype="float64"), dft_length=None, axis=const(-3)),
        case(x=data(2, 30, 2, dtype="float64"), attributes={"axis": 1, "inverse": 1}, opset=19),
        case(x=data(2, 37, 1, dtype="float64")),
        case(x=data(3, 49, 2, dtype="float64"), dft_length=const(106), attributes={"inverse": 1}),
        case(x=data("N", "L", 2, dtype="float64")),
        case(x=data(2, "L", 1, dtype="float64"), attributes={"onesided": 1}),
        case(x=data(2, 40, 1, dtype="float64"), dft_length=data(dtype="int64", low=37, high=38)),
        case(x=(11, 16, 1), dft_length=None, axis=const(-2)),
        case(x=data("N", 5, 6, 2, dtype="float64"), dft_length=None, axis=given(1, "int64")),
        case(x=data(3, 5, 7, 2, dtype="float64"), dft_length=None, axis=given(-4, "int64"), attributes={"inverse": 1}),
        case(x=data(3, 8, 1, dtype="float64"), dft_length=None, axis=given(0, "int64"), attributes={"onesided": 1}),
        case(x=data(3, 5, 2, dtype="float64"), dft_length=None, axis=given(-2, "int64"), attributes={"onesided": 1, "inverse": 1}),
        case(x=(3, 6, 1), dft_length=const(8), axis=given(1, "int64"), attributes={"onesided": 1}),
    )


@operator("STFT", since=17)
class STFT(ROperator):
    """y[N, frame, k, 2] = the discrete Fourier transforms of frames of signal[N, length(, 1 or 2)], `frame_step` apart, times the window.

    frame_length is the window's, unless it is given, and the signal's where there is neither; all lengths are constants or computed from
    dims. onesided: the numbers up to frame_length / 2 alone, of complex signals, too, as onnxruntime has it.
    """

    kernels = ("fourier.hxx",)
    computes = (WIDE_FLOATS, INDICES, WIDE_FLOATS, INDICES)

    onesided: int = attribute(1)

    def length(self) -> Size:
        """How many numbers a frame has."""
        signal, _, window, given = self.arguments(4)
        assert signal is not None
        if given is not None:
            return _length(given, "frame_length")
        return signal.shape[1] if window is None else window.shape[0] if window.rank else 1

    def types(self, signal: Tensor, frame_step: Tensor, window: Tensor | None = None, frame_length: Tensor | None = None) -> Type:
        if not (signal.rank == 2 or (signal.rank == 3 and signal.shape[2] in (1, 2))):
            raise ShapeError(f"signal must be [N, length], or [N, length, 1 or 2], real or complex, got {signal.type}")
        n, step = self.length(), _length(frame_step, "frame_step")
        if window is not None:
            if window.dtype is not signal.dtype:
                raise ShapeError(f"window must be {signal.dtype}, got {window.type}")
            fits(window, (n,), "window")
        _check(n)
        room = signal.shape[1] - n
        if isinstance(room, int) and room < 0:
            raise ShapeError(f"a frame of {n} does not fit into a signal of {signal.shape[1]}")
        assume(room)
        assume(step - 1)
        return Type(signal.dtype, (signal.shape[0], dims.floor_div(room, step) + 1, dims.floor_div(n, 2) + 1 if self.onesided else n, 2))

    def reads(self) -> Sequence[int]:
        return (0,) if self.arguments(4)[2] is None else (0, 2)

    def scratch_bytes(self) -> Size:
        return fourier.scratch_bytes(self.length())

    def emit(self, cpp: Writer) -> None:
        x, y, window, n = self.x, self.y, self.arguments(4)[2], self.length()
        none = f"static_cast<const {x.dtype.storage}*>(nullptr)"
        sizes = [*x.shape[:2], x.shape[2] if x.rank == 3 else 1, y.shape[1], _length(self.input(1), "frame_step"), n, y.shape[2]]
        with cpp.block(""):
            cpp.call("stft", *sizes, window or none, _tables(cpp, n), cpp.scratch(), x, y)

    cases = (
        case(signal=("N", 40, 1), step=const(5), window=weight(16), length=const(16)),
        case(signal=(2, 40, 2), step=const(7), window=None, length=const(8), attributes={"onesided": 0}),
        case(signal=(2, "T", 1), step=const(2, "int32"), window=weight(1)),
        case(signal=(2, 40), step=const(3), window=(16,), length=const(16), opset=17),
        case(signal=(2, 40, 2), step=const(3), window=None, length=const(16)),
        case(signal=(2, 40, 1), step=data(dtype="int64", low=2, high=6), window=(16,)),
        case(signal=(2, 40, 1), step=const(5), window=None, length=data(dtype="int64", low=16, high=17)),
        case(signal=data(2, 40, 1, dtype="float64"), step=const(3), window=weight(15, dtype="float64")),
        case(signal=data(2, 90, 1, dtype="float64"), step=const(3), window=None, length=const(74), attributes={"onesided": 0}),
    )
