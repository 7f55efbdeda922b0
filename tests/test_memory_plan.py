"""The memory plan on its own: at no sizes does what is needed at one time overlap, and the arena is close to the least that is possible."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from golden_nets import GOLDEN
from zoo import ZOO

from onnx_bridge import InferenceError, convert
from onnx_bridge.ir import dims
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.passes.memory import ALIGNMENT, _bytes_at, _settings, plan_memory
from onnx_bridge.passes.placement import BOUND, Piece, Placement, arrange, least

NETS = {**ZOO, **{f"golden {name}": make for name, make in GOLDEN.items()}}
SIZES = (1, 3, 16, 17, 64, 100)


@pytest.mark.parametrize("name", NETS)
def test_the_plan_of_a_net(name: str) -> None:
    """At several sizes: buffers that are needed at one time lie apart, aligned, in an arena of at most 5 % more than they are together."""
    plan = plan_memory(convert(NETS[name](), verify=False).model)
    symbols = sorted({symbol for buffer in plan.order for symbol in dims.symbols(buffer.bytes)})
    assert plan.order
    for size in SIZES if symbols else (1,):
        values = dict.fromkeys(symbols, size)
        at, total = plan.offsets(values)
        spans = [(b.start, b.end, offset, offset + dims.evaluate(b.bytes, values)) for b, offset in zip(plan.order, at, strict=True)]

        assert not [pair for pair in pairs(spans) if overlap(*pair)]
        assert all(begin % ALIGNMENT == 0 for _, _, begin, _ in spans)
        assert total == max(end for *_, end in spans)
        assert total <= BOUND * plan.live_bytes(values)


@pytest.mark.parametrize("name", NETS)
def test_what_shares_memory_is_not_needed_at_once(name: str) -> None:
    """Found from the operators alone: of the tensors that are read later no two have one memory, unless one is a view of the other."""
    model = convert(NETS[name](), verify=False).model
    plan = plan_memory(model)
    views = {op.y: op.x for op in model.operators if op.is_view}

    def seen(tensor: Tensor) -> Tensor:
        while tensor in views:
            tensor = views[tensor]
        return tensor

    for place in range(len(model.operators)):
        live = {seen(tensor) for tensor in needed_behind(model, place)}
        roots = [plan.find(tensor) for tensor in live]
        assert len(set(roots)) == len(roots), model.operators[place].title()


def needed_behind(model: RModel, place: int) -> set[Tensor]:
    """The tensors that are there behind an operator and are read later on, by whoever is nested in an operator, too."""
    made = {*model.inputs, *(tensor for op in model.operators[: place + 1] for tensor in op.outputs if tensor is not None)}
    read: set[Tensor] = set(model.outputs)

    def reads(operators: Sequence[object]) -> None:
        for op in operators:
            read.update(op.inputs[index] for index in op.reads() if op.inputs[index] is not None)
            for body in nested_models(op):
                read.update(body.outputs)
                reads(body.operators)

    reads(model.operators[place + 1 :])
    return made & read


# ---- placements of pieces that nobody made a net of


@pytest.mark.parametrize("count", [1, 2, 5, 20, 60, 150])
@pytest.mark.parametrize("seed", range(8))
def test_drawn_pieces_of_fixed_sizes(count: int, seed: int) -> None:
    """Some live long, most do not; sizes are of one order or of many."""
    rng = random.Random(1000 * count + seed)
    pieces = []
    for _ in range(count):
        start = rng.randrange(count)
        size = ALIGNMENT * (rng.randrange(1, 200) if seed % 2 else int(2 ** rng.uniform(0, 10)))
        pieces.append(Piece(start, start + int(rng.expovariate(1 / (4 if seed % 4 < 2 else 12))) + 1, (size,)))
    placed = arrange(pieces)

    check(pieces, placed, [piece.sizes[0] for piece in pieces])
    assert placed.heights[0] <= BOUND * least(pieces, 0)


@pytest.mark.parametrize("count", [3, 10, 40, 120])
@pytest.mark.parametrize("seed", range(8))
def test_drawn_pieces_of_open_sizes(count: int, seed: int) -> None:
    """As a net has them: what one operator makes another reads soon, or much later; scratch memory is the same for any batch."""
    rng = random.Random(1000 * count + seed)
    drawn = []
    for start in range(count):
        later = rng.randrange(3, 12) if rng.random() < 0.25 else 1
        drawn.append((start, start + later, ALIGNMENT * rng.randrange(1, 60), 0))
        if rng.random() < 0.3:
            drawn.append((start, start, 0, ALIGNMENT * rng.randrange(1, 60)))
    sizes = {n: [n * each + fixed for _, _, each, fixed in drawn] for n in SIZES}
    settings = (16, 1, 64, 256)
    pieces = [Piece(start, end, tuple(n * each + fixed for n in settings)) for start, end, each, fixed in drawn]
    placed = arrange(pieces)

    heights = [check(pieces, placed, sizes[n]) for n in SIZES]
    assert heights == sorted(heights)
    for n, height in zip(SIZES, heights, strict=True):
        at_once = [Piece(piece.start, piece.end, (size,)) for piece, size in zip(pieces, sizes[n], strict=True)]
        assert height <= BOUND * least(at_once, 0), n


def test_a_placement_is_the_same_each_time() -> None:
    rng = random.Random(5)
    pieces = [Piece(start, start + rng.randrange(9), (rng.randrange(1, 99), rng.randrange(1, 99))) for start in range(60)]

    assert arrange(pieces) == arrange(pieces)


def test_nothing_to_place() -> None:
    assert arrange([]) == Placement([], [], [])
    assert arrange([Piece(0, 3, (0, 0))]).heights == [0, 0]


def test_buffers_that_no_memory_holds_have_a_plan() -> None:
    """Of a loop that stacks more rows than there is memory for: the header refuses the call, and nothing of ours counts too far."""
    net = convert(onnx.parser.parse_model("""<ir_version: 8, opset_import: ["": 18]>
        net (float[N, A, B, C] x) => (float y) {
            turns = Constant <value: tensor = int64 {8589934592}> ()
            rows = Loop (turns, "") <body: graph = body (int64 i, bool on) => (bool still, float[N, A, B, C] row) {
                row = Neg (x)
                still = Identity (on)
            }>
            y = ReduceSum <keepdims = 0> (rows) }"""), verify=False)  # fmt: skip

    with pytest.raises(InferenceError, match="memory"):
        net.compile().run({"x": np.ones((3, 2, 2, 2), np.float32)})


def test_a_size_that_is_divided_by_zero_where_all_are_alike() -> None:
    """Such a setting says nothing of a buffer, and others are looked at."""
    size = dims.floor_div(64 * dims.symbol("a"), dims.symbol("a") - dims.symbol("b"))
    settings = _settings({"a", "b"}, [size])

    assert any(values["a"] != values["b"] for values in settings)
    assert [_bytes_at(size, values) >= 0 for values in settings] == [True] * len(settings)


def check(pieces: Sequence[Piece], placed: Placement, sizes: Sequence[int]) -> int:
    """Holds that nothing overlaps at certain sizes; returns how high it is."""
    at: dict[int, int] = {}
    for piece in placed.order:
        at[piece] = max((at[other] + sizes[other] for other in placed.below[piece]), default=0)
    spans = [(piece.start, piece.end, at[index], at[index] + sizes[index]) for index, piece in enumerate(pieces)]

    assert sorted(placed.order) == list(range(len(pieces)))
    assert not [pair for pair in pairs(spans) if overlap(*pair)]
    return max(end for *_, end in spans)


Span = tuple[int, int, int, int]


def pairs(spans: Sequence[Span]) -> list[tuple[Span, Span]]:
    return [(a, b) for index, a in enumerate(spans) for b in spans[:index]]


def overlap(a: Span, b: Span) -> bool:
    """Whether two are needed at one time (first and last moment) and lie at one place (begin and end)."""
    return a[0] <= b[1] and b[0] <= a[1] and a[2] < b[3] and b[2] < a[3]
