"""Sizes that data decides: their names and limits while a model is lowered, and where what is needed of them is tested."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm
from onnx_bridge.ir.tensor import Tensor, Type


@dataclass
class FoundSizes:
    """All sizes that data decides, of a graph and of those inside it.

    Attributes:
        top: the model itself: what has no limit is found there alone.
        limits: what they are never above, in sizes of the call.
        taken: names that other sizes have.
    """

    top: RModel
    limits: dict[str, Size] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def find(self, name: str, most: Size | None, rmodel: RModel) -> Size:
        """A new size that an operator of `rmodel` finds; `name` says what it is. Without a limit the caller says how much room there is."""
        if most is None:
            if rmodel is not self.top:
                raise UnsupportedForm("data decides a size of its output without a limit, inside of a body")
            room = self.bound(f"{name} room", rmodel)
            found = self.find(name, room, rmodel)
            rmodel.bounds[next(iter(dims.symbols(room)))] = next(iter(dims.symbols(found)))
            return found
        name = self._free(name, rmodel)
        try:
            limit = dims.at_most(most, self.limits)
        except ValueError as error:
            raise UnsupportedForm(str(error)) from None
        self.limits[name] = rmodel.found[name] = limit
        return dims.symbol(name)

    def bound(self, name: str, rmodel: RModel) -> Size:
        """A new run-time size by which the caller says how much room there is."""
        name = self._free(name, rmodel)
        rmodel.symbols.append(name)
        return dims.symbol(name)

    def _free(self, name: str, rmodel: RModel) -> str:
        while name in self.limits or name in self.taken or name in rmodel.symbols:
            name += "_"
        return name

    def forget(self, names: Iterable[str]) -> None:
        """What was lowered in vain has found nothing."""
        for name in list(names):
            self.limits.pop(name, None)
            for room in [room for room, found in self.top.bounds.items() if found == name]:
                del self.top.bounds[room]
                self.top.symbols.remove(room)


def refuse_leaving(body: RModel, outputs: Iterable[Tensor]) -> None:
    """Holds that no size that data decides inside of a graph is one of some outputs': it may be another each time the graph is run.

    Raises:
        UnsupportedForm: one is.
    """
    for tensor in outputs:
        if not isinstance(tensor.declared, Type):
            continue
        sizes = [tensor.type.shape, () if tensor.value is None or tensor.is_constant else tensor.sizes()]
        if any(not dims.symbols(size).isdisjoint(body.found) for part in sizes for size in part):
            raise UnsupportedForm(f"its output {tensor.name!r} is {tensor.type}, and data decides that inside, anew each time it is run")


def test_behind_finders(rmodel: RModel) -> list[str]:
    """Moves conditions and constraints on sizes that data decides to the operators that find them; returns a note for each.

    There they are tested as soon as all sizes are known that they are made of: whatever comes behind may rely on them. So is that
    nothing is divided by 0.
    """
    own = set(rmodel.found)
    if not own:
        return []
    conditions = [size for size in rmodel.conditions if not dims.symbols(size).isdisjoint(own)]
    pairs = [pair for pair in rmodel.constraints if not (dims.symbols(pair[0]) | dims.symbols(pair[1])).isdisjoint(own)]
    rmodel.conditions = [size for size in rmodel.conditions if size not in conditions]
    rmodel.constraints = [pair for pair in rmodel.constraints if pair not in pairs]
    above = {divisor - 1: None for size in _sizes(rmodel, conditions, pairs) for divisor in _divisors(size, own)}
    for size in (*above, *conditions):
        _finder(rmodel, dims.symbols(size)).conditions.append(size)
    for pair in pairs:
        _finder(rmodel, dims.symbols(pair[0]) | dims.symbols(pair[1])).constraints.append(pair)
    tested = [f"{size} must not be negative" for size in (*above, *conditions)] + [f"{b} must be {a}" for a, b in pairs]
    return [f"{what}: data decides that, and a call for which it is not so is refused" for what in tested]


def _finder(rmodel: RModel, names: set[str]) -> ROperator:
    """The last operator that finds one of some sizes."""
    return next(op for op in reversed(rmodel.operators) if not _found_by(op).isdisjoint(names))


def _found_by(op: ROperator) -> set[str]:
    return set().union(*(dims.symbols(size) for size in op.found.values()))


def _sizes(rmodel: RModel, conditions: Iterable[Size], pairs: Iterable[tuple[Size, Size]]) -> Iterator[Size]:
    """All that is computed from sizes."""
    yield from conditions
    for pair in pairs:
        yield from pair
    for tensor in rmodel.tensors.values():
        if isinstance(tensor.declared, Type):
            yield from tensor.shape
            yield from tensor.sizes() if tensor.value is not None and not tensor.is_constant else ()


def _divisors(size: Size, names: Set[str]) -> Iterator[Size]:
    """What a size is divided by, of that what data decides."""
    for monomial, _ in size.terms if isinstance(size, dims.Dim) else ():
        for atom in monomial:
            if isinstance(atom, dims.Function):
                for arg in atom.args:
                    yield from _divisors(arg, names)
                if atom.name == "floor_div" and not dims.symbols(atom.args[1]).isdisjoint(names):
                    yield atom.args[1]
