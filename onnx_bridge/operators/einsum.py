"""Einsum."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32, int64, uint32, uint64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, same, same_or_one
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, data, weight
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reduce import ReduceSum
from onnx_bridge.operators.slice import Slice

#: An axis of an equation: a letter, or the place of an axis that an ellipsis stands for, counted from the last one (-1).
Index = str | int


@dataclass(frozen=True)
class Term:
    """A tensor with the index of each of its axes."""

    tensor: Tensor
    axes: tuple[Index, ...]


@operator("Einsum", since=12)
class Einsum(Composite):
    """Sums of products over indices, as an equation says: "bij,bjk->bik".

    Any number of operands, taken by pairs from the left; an ellipsis, whose axes broadcast; an index twice in one operand (its
    diagonal). Without "->" the output has the indices that occur once, in alphabetical order, behind the ellipsis.
    """

    computes = ((*WIDE_FLOATS, int32, int64, uint32, uint64),)

    equation: str = attribute()

    def read(self) -> tuple[list[tuple[Index, ...]], tuple[Index, ...]]:
        """The indices of each operand, and of the output."""
        left, arrow, right = self.equation.replace(" ", "").partition("->")
        terms = left.split(",")
        if len(terms) != len(self.inputs):
            raise ShapeError(f"equation {self.equation!r} is about {len(terms)} operands, got {len(self.inputs)}")
        operands = [self.indices(term, self.input(i).rank) for i, term in enumerate(terms)]
        hidden = sorted({index for operand in operands for index in operand if isinstance(index, int)})
        letters = left.replace(".", "").replace(",", "")
        if arrow:
            output = self.indices(right, None, len(hidden))
            if len(set(output)) != len(output) or any(index not in letters for index in output if isinstance(index, str)):
                raise ShapeError(f"equation {self.equation!r}: each index of the output must occur in it once, and in an operand")
        else:
            output = (*hidden, *sorted(letter for letter in set(letters) if letters.count(letter) == 1))
        return operands, output

    def indices(self, term: str, rank: int | None, hidden: int = 0) -> tuple[Index, ...]:
        """The indices of one term: of an operand of that rank, or of the output, where the ellipsis stands for `hidden` axes."""
        front, dots, back = term.partition("...")
        if not all(letter.isascii() and letter.isalpha() for letter in front + back):
            raise ShapeError(f"equation {self.equation!r}: {term!r} is not made of letters and one '...'")
        if rank is not None:
            hidden = rank - len(front) - len(back)
            if hidden < 0 or (hidden and not dots):
                raise ShapeError(f"equation {self.equation!r}: {term!r} does not fit an operand of rank {rank}")
        return (*front, *(range(-hidden, 0) if dots else ()), *back)

    def types(self, *operands: Tensor) -> Type:
        if len({tensor.dtype for tensor in operands}) != 1:
            raise ShapeError(f"operands must have one type, got {', '.join(str(tensor.dtype) for tensor in operands)}")
        terms, output = self.read()
        sizes = self.sizes(terms)
        for tensor, axes in zip(operands, terms, strict=True):
            for index in set(axes):
                if axes.count(index) > 1 and not isinstance(sizes[index], int):
                    raise UnsupportedForm(f"the diagonal along {index!r} of {tensor.name!r} needs a known size, got {sizes[index]}")
        return Type(self.x.dtype, tuple(sizes[index] for index in output))

    def sizes(self, terms: Sequence[tuple[Index, ...]]) -> dict[Index, Size]:
        """The size along each index."""
        sizes: dict[Index, Size] = {}
        for position, axes in enumerate(terms):
            own: dict[Index, Size] = {}
            for index, size in zip(axes, self.input(position).shape, strict=True):
                own[index] = same(own[index], size) if index in own else size  # a diagonal does not broadcast
            for index, size in own.items():
                sizes[index] = same_or_one(sizes.get(index, 1), size)
        return sizes

    def parts(self, build: Parts) -> Tensor:
        terms, output = self.read()
        sizes = self.sizes(terms)
        waiting = [simplified(build, Term(self.input(i), axes), sizes) for i, axes in enumerate(terms)]
        made = waiting.pop(0)
        while waiting:
            other = waiting.pop(0)
            needed = {*output, *(index for term in waiting for index in term.axes)}
            made = joined(build, made, other, needed, None if waiting else output)
        made = summed(build, made, output)
        tensor = build.transpose(made.tensor, [made.axes.index(index) for index in output])
        return build.add(Identity, tensor) if tensor in self.inputs else tensor

    cases = (
        *(case(a=("B", "T", 2, 8), b=("B", "S", 2, 8), attributes={"equation": e})
          for e in ("btnh,bsnh->bnts", "aecd,abcd->acbe", "...qhd,...khd->...hqk", "btnh,bsnh", "bthd,bshd->tshb")),
        case(a=("B", 2, "T", "S"), b=("B", "S", 2, 8), attributes={"equation": "bnts,bsnh->btnh"}),
        case(a=("B", 5, 7), b=weight(7, 2, 3), attributes={"equation": "abc,cde->abde"}),
        case(a=("B", 5, 2, 3), b=weight(2, 3, 9), attributes={"equation": "abcd,cde->abe"}),
        case(a=("B", 5, 2, 3), b=weight(3, 9, 2), attributes={"equation": "abcd , dec -> aeb"}),
        case(a=weight(4, 3), b=("B", 3, 5, 6), attributes={"equation": "oc,bchw->bohw"}),
        case(a=("B", 3, 6), b=("B", 6, 5), attributes={"equation": "...ij,...jk"}),
        case(a=(4, 1, 3, 6), b=(4, 2, 6, 5), attributes={"equation": "...ij,...jk->...ki"}),
        case(a=("N", 7), b=("N", 7), attributes={"equation": "ni,ni->n"}),
        case(a=("N", 7), b=("N", 7), attributes={"equation": "ni,ni->ni"}),
        case(a=("N",), b=(7,), attributes={"equation": "i,j->ij"}),
        case(a=("N",), b=(7,), attributes={"equation": "i,j->ji"}),
        case(a=("N", 7), b=(7,), attributes={"equation": "ij,j"}),
        case(a=(7,), b=(7,), attributes={"equation": "i,i->"}),
        case(a=("N", 4, 7), b=(7, 3), attributes={"equation": "nij,jk->n"}),
        case(a=("N", 3, 4, 5), b=("N", 5, 6, 3), attributes={"equation": "nabc,ncda->ndb"}),
        case(a=("N", 3), b=("N", 4), c=("N", 5), attributes={"equation": "na,nb,nc->nabc"}),
        case(a=("N", 3), b=(3, 4), c=(4, 5), attributes={"equation": "ni,ij,jk->nk"}),
        case(a=(3, 1), b=(5, 4), attributes={"equation": "ij,jk->ik"}),
        case(x=("N", 4, 3), attributes={"equation": "nij->jn"}),
        case(x=("N", 4, 3), attributes={"equation": "bij->bij"}),
        case(x=("N", 4, 3), attributes={"equation": "...j->..."}),
        case(x=(5, 5), attributes={"equation": "ii->i"}),
        case(x=(5, 5), attributes={"equation": "ii"}),
        case(x=("N", 3, 4, 3), attributes={"equation": "nibi->bni"}),
        case(x=(3, 3, 2, 3), attributes={"equation": "iiji->j"}),
        case(a=data(3, 4, dtype="float64"), b=data(4, 5, dtype="float64"), attributes={"equation": "ij,jk->ki"}),
        case(a=data(3, 4, dtype="int64", high=9), b=data(4, 5, dtype="int64", high=9), attributes={"equation": "ij,jk->ki"}),
    )  # fmt: skip


def simplified(build: Parts, term: Term, sizes: dict[Index, Size]) -> Term:
    """A term whose indices differ, and where each has its size: axes of size 1 that are broadcast are left out, diagonals are taken."""
    tensor, axes = term.tensor, list(term.axes)
    kept = [position for position, index in enumerate(axes) if tensor.shape[position] == sizes[index] or sizes[index] == 1]
    tensor = build.reshape(tensor, [tensor.shape[position] for position in kept])
    axes = [axes[position] for position in kept]
    for index in dict.fromkeys(axes):
        places = [position for position, other in enumerate(axes) if other == index]
        if len(places) == 1:
            continue
        # Together in front, as one axis, the elements of the diagonal lie evenly apart.
        rest = [position for position in range(len(axes)) if position not in places]
        tensor = build.transpose(tensor, [*places, *rest])
        size = sizes[index]
        assert isinstance(size, int)
        tensor = build.reshape(tensor, [size ** len(places), *tensor.shape[len(places) :]])
        step = sum(size**power for power in range(len(places)))
        ends = [known([number], build) for number in (0, size ** len(places), 0, max(step, 1))]
        tensor = build.add(Slice, tensor, *ends)
        axes = [index, *(axes[position] for position in rest)]
    return Term(tensor, tuple(axes))


def known(numbers: Sequence[int], build: Parts) -> Tensor:
    """A constant vector of integers."""
    return build.model.new_constant("numbers", numbers, int64)


def summed(build: Parts, term: Term, needed: Collection[Index]) -> Term:
    """The sum over the indices that nobody needs."""
    gone = [position for position, index in enumerate(term.axes) if index not in needed]
    if not gone:
        return term
    tensor = build.add(ReduceSum, term.tensor, known(gone, build), keepdims=0)
    return Term(tensor, tuple(index for index in term.axes if index in needed))


def joined(build: Parts, a: Term, b: Term, needed: Collection[Index], order: tuple[Index, ...] | None) -> Term:
    """The product of two terms, summed over the indices that nobody else needs; in `order`, or in any if that is None."""
    a, b = summed(build, a, {*needed, *b.axes}), summed(build, b, {*needed, *a.axes})
    inner = [index for index in a.axes if index in b.axes and index not in needed]
    if order is None:
        outer = [index for index in a.axes if index in b.axes and index in needed]
        order = (*outer, *(i for i in (*a.axes, *b.axes) if i not in outer and i not in inner))
    if not inner:
        return Term(build.add(TABLE["Mul"], spread(build, a, order), spread(build, b, order)), order)
    if order and order[-1] in a.axes and order[-1] not in b.axes:
        a, b = b, a  # the right operand has the columns, which should stay last
    if b.tensor.is_constant and not any(index in a.axes for index in b.axes if index not in inner):
        return by_weights(build, a, b, inner, order)
    return by_product(build, a, b, order)


def spread(build: Parts, term: Term, order: tuple[Index, ...]) -> Tensor:
    """A tensor with its axes in an order, and axes of size 1 for the indices that it lacks."""
    found = [index for index in order if index in term.axes]
    tensor = build.transpose(term.tensor, [term.axes.index(index) for index in found])
    rest = iter(tensor.shape)
    return build.reshape(tensor, [next(rest) if index in found else 1 for index in order])


def by_weights(build: Parts, a: Term, b: Term, inner: Sequence[Index], order: tuple[Index, ...]) -> Term:
    """A product with constants, as one of rows with one matrix."""
    rows = [index for index in order if index in a.axes]
    columns = [index for index in order if index in b.axes]
    x = build.transpose(a.tensor, [a.axes.index(index) for index in (*rows, *inner)])
    w = build.transpose(b.tensor, [b.axes.index(index) for index in (*inner, *columns)])
    terms = dims.product(w.shape[: len(inner)])
    x = build.reshape(x, [*x.shape[: len(rows)], terms])
    width = w.shape[len(inner) :]
    w = build.reshape(w, [terms, dims.product(width)])
    if not rows:
        x = build.reshape(x, [1, terms])
    y = build.reshape(build.add(MatMul, x, w), [*x.shape[: len(rows)], *width])
    return Term(build.transpose(y, [(*rows, *columns).index(index) for index in order]), order)


def by_product(build: Parts, a: Term, b: Term, order: tuple[Index, ...]) -> Term:
    """A product of matrices, with the other indices as axes in front."""
    sizes = {index: size for term in (a, b) for index, size in zip(term.axes, term.tensor.shape, strict=True)}
    (left, right, target), merged = runs(a.axes, b.axes, order)
    size = {first: dims.product(sizes[index] for index in run) for first, run in merged.items()}
    x = build.reshape(a.tensor, [size[index] for index in left])
    w = build.reshape(b.tensor, [size[index] for index in right])
    inner = [index for index in left if index in right and index not in target]
    row = next((index for index in reversed(target) if index in left and index not in right), None)
    column = next((index for index in reversed(target) if index in right and index not in left), None)
    front = [index for index in target if index not in (row, column)]
    x = matrices(build, Term(x, left), [*front, row], inner)
    w = matrices(build, Term(w, right), front, inner, column)
    y = build.add(MatMul, x, w)
    axes = [*front, row, column]
    # The axes of size 1 that stand for no index go to the front; the columns stay where they are, if they can.
    places = [axes.index(index) for index in target]
    spare = [position for position, index in enumerate(axes) if index is None]
    if column is None:
        y = build.transpose(y, [*(position for position in spare if position != len(axes) - 1), *places, len(axes) - 1])
    else:
        y = build.transpose(y, [*spare, *places])
    return Term(build.reshape(y, [sizes[index] for index in order]), order)


def runs(*terms: tuple[Index, ...]) -> tuple[list[tuple[Index, ...]], dict[Index, list[Index]]]:
    """Terms where indices that always stand side by side, but not in all of them, are one, called by its first; and what each is."""
    merged = {index: [index] for term in terms for index in term}
    now = [list(term) for term in terms]
    for first, second in list(neighbours(terms)):
        if all(first in term for term in terms):
            continue  # axes in front are loops anyway, and what follows the product knows them as they are
        if all((first in term) == (second in term) for term in terms) and all(
            term.index(second) == term.index(first) + 1 for term in terms if first in term
        ):
            head = next(index for index, run in merged.items() if first in run)
            merged[head] += merged.pop(second)
            now = [[index for index in term if index != second] for term in now]
    return [tuple(term) for term in now], merged


def neighbours(terms: Sequence[tuple[Index, ...]]) -> Iterator[tuple[Index, Index]]:
    """Indices that stand side by side somewhere, each pair once, from left to right."""
    yield from dict.fromkeys(pair for term in terms for pair in zip(term, term[1:], strict=False))


def matrices(build: Parts, term: Term, front: Sequence[Index | None], inner: Sequence[Index], *back: Index | None) -> Tensor:
    """A tensor as a stack of matrices, for a product: the axes `front`, one for all of `inner`, `back`; 1 for what it lacks.

    Axes of size 1 come before the transposition, so that the product can read the tensor as it lies.
    """
    shape: Shape = term.tensor.shape
    wanted = [*front, *inner, *back]
    missing = [position for position, index in enumerate(wanted) if index not in term.axes]
    tensor = build.reshape(term.tensor, [1] * len(missing) + list(shape))
    places = [
        missing.index(position) if position in missing else len(missing) + term.axes.index(index)
        for position, index in enumerate(wanted)
        if index is None or position in missing or index in term.axes
    ]
    tensor = build.transpose(tensor, places)
    if len(inner) == 1:
        return tensor
    begin, end = len(front), len(front) + len(inner)
    return build.reshape(tensor, [*tensor.shape[:begin], dims.product(tensor.shape[begin:end]), *tensor.shape[end:]])
