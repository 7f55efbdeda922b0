"""ir/dims.py: symbolic sizes against Python's own integers, and the normal form that makes equal sizes equal objects."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest

from onnx_bridge.errors import InvalidModel
from onnx_bridge.ir import dims
from onnx_bridge.ir.dim_names import parse
from onnx_bridge.ir.dims import Dim, Size

N, M, K = dims.symbol("N"), dims.symbol("M"), dims.symbol("K")

#: How C++ sees the functions that `show` prints.
CPP = {"floor_div": lambda a, b: a // b, "minimum": min, "maximum": max}

Pair = tuple[Size, Callable[[dict[str, int]], int]]


def random_pair(rng: random.Random, depth: int) -> Pair:
    """A size made by our arithmetic, and the same computed by Python from the symbols' values."""
    if depth == 0:
        if rng.random() < 0.6:
            name = rng.choice("NMK")
            return dims.symbol(name), lambda v: v[name]
        number = rng.randint(0, 7)
        return number, lambda v: number
    (a, f), (b, g) = random_pair(rng, rng.randrange(depth)), random_pair(rng, rng.randrange(depth))
    what = rng.randrange(8)
    divisor = rng.randint(1, 6)
    if what == 0:
        return a - b, lambda v: f(v) - g(v)
    if what in (1, 2):
        return a + b, lambda v: f(v) + g(v)
    if what == 3:
        return a * b, lambda v: f(v) * g(v)
    if what == 4:
        return dims.floor_div(a, divisor), lambda v: f(v) // divisor
    if what == 5:
        return dims.ceil_div(a, divisor), lambda v: -(-f(v) // divisor)
    if what == 6:
        return dims.minimum(a, b), lambda v: min(f(v), g(v))
    return dims.maximum(a, b), lambda v: max(f(v), g(v))


def some_values(rng: random.Random) -> dict[str, int]:
    return {name: rng.choice([0, 1, 2, 3, 5, 8, 17, 64, 1000]) for name in "NMK"}


@pytest.mark.parametrize("seed", range(8))
def test_arithmetic_is_that_of_integers(seed: int) -> None:
    """evaluate(), substitute() in steps, and the printed C++ all give Python's number."""
    rng = random.Random(seed)
    for _ in range(150):
        size, direct = random_pair(rng, 4)
        text = dims.show(size)
        for _ in range(4):
            values = some_values(rng)
            expected = direct(values)
            partly = dims.substitute(size, {"N": values["N"]})

            assert dims.evaluate(size, values) == expected, text
            assert dims.evaluate(partly, values) == expected, text
            assert eval(text, {"__builtins__": {}}, {**CPP, **values}) == expected, text


@pytest.mark.parametrize("seed", range(4))
def test_bounds_hold(seed: int) -> None:
    """lower_bound() is never above a value, at_least() never promises what is not so."""
    rng = random.Random(1000 + seed)
    for _ in range(150):
        (a, f), (b, g) = random_pair(rng, 3), random_pair(rng, 3)
        bound, certain = dims.lower_bound(a), dims.at_least(a, b)
        for _ in range(8):
            values = some_values(rng)
            assert bound is None or bound <= f(values), a
            assert not certain or f(values) >= g(values), (a, b)


@pytest.mark.parametrize("seed", range(4))
def test_sums_and_products_have_one_form(seed: int) -> None:
    """The order in which terms and factors come together does not show."""
    rng = random.Random(2000 + seed)
    for _ in range(100):
        parts = [random_pair(rng, 2)[0] for _ in range(4)]
        shuffled = rng.sample(parts, len(parts))

        assert sum(parts) == sum(shuffled)
        assert hash(sum(parts)) == hash(sum(shuffled))
        assert dims.product(parts) == dims.product(shuffled)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (N - N, 0),
        (N + 1 - N, 1),
        (2 * N + N, 3 * N),
        ((N + 1) * (N - 1), N * N - 1),
        (dims.floor_div(6 * N, 3), 2 * N),
        (dims.floor_div(N * M, N), M),
        (dims.floor_div(4 * N + 3, 4), N),
        (dims.floor_div(4 * N + 9, 4), N + 2),
        (dims.floor_div(2 * N + 4, 4), dims.floor_div(N + 2, 2)),
        (dims.floor_div(2 * N + 2, N + 1), 2),
        (dims.floor_div(N, 1), N),
        (dims.ceil_div(16 * N, 16), N),
        ((4 * N) % 4, 0),
        (dims.minimum(N, N + 1), N),
        (dims.maximum(N, 0), N),
        (dims.maximum(dims.maximum(N, M), N), dims.maximum(M, N)),
        (dims.minimum(3, 5, 4), 3),
        (dims.product([]), 1),
    ],
    ids=str,
)
def test_simplifies(size: Size, expected: Size) -> None:
    assert size == expected
    assert type(size) is type(expected)


@pytest.mark.parametrize(("a", "b"), [(-7, 2), (7, -2), (-7, -2), (0, 5), (7, 7)])
def test_integers_round_as_python_does(a: int, b: int) -> None:
    assert dims.floor_div(a, b) == a // b
    assert dims.ceil_div(a, b) == -(-a // b)


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(InvalidModel, match="divided by zero"):
        dims.floor_div(7, 0)


def test_a_size_has_a_longest_form() -> None:
    """Else a hostile file's would grow until memory ends: 155 letters made 2^26 terms, forty operators 2^40 parts."""
    letters = string.ascii_letters
    name = "*".join(f"({letters[i]}+{letters[i + 1]})" for i in range(0, 52, 2))
    assert parse(name) == dims.symbol(name)

    size: Size = N
    with pytest.raises(dims.SizeTooLong, match="more than 4096 parts"):
        for _ in range(40):
            size = dims.maximum(size // 3 + size * M, size + 7)


def test_a_known_size_is_an_int() -> None:
    size: Size = N * 3 + 2

    assert isinstance(size, Dim)
    assert type(dims.substitute(size, {"N": 4})) is int
    assert dims.evaluate(size, {"N": 4}) == 14


def test_a_missing_value_is_named() -> None:
    with pytest.raises(KeyError, match=r"no value for \['M'\]"):
        dims.evaluate(N + M, {"N": 1})


def test_symbols() -> None:
    assert dims.symbols(dims.floor_div(N * M + 1, 2) + dims.maximum(K, 3)) == {"N", "M", "K"}
    assert dims.symbols(5) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch", dims.symbol("batch")),
        ("2*N", 2 * N),
        ("N + 1", N + 1),
        ("floor(N/2) + 1", dims.floor_div(N, 2) + 1),
        ("N//2", dims.floor_div(N, 2)),
        ("s77 + 1", dims.symbol("s77") + 1),
        ("N + -1", N - 1),
        ("2*N - 1", 2 * N - 1),
        ("7", 7),
        *(
            (name, dims.symbol(name))
            for name in (
                "unk__1",
                "sequence length",
                "batch-size",
                "N-1",
                "x+y",
                "my_floor",
                "my_floor(N/2)",
                "N/2",
                "N/0",
                "floor(N)",
                "?",
                "1x",
                "",
                "-",
                "N; system()",
                "__import__('os')",
                "(" * 500,
                "N + ",
                "größe",
                "f(N)",
                "N % 2",
                "N ** 2",
            )
        ),
    ],
)
def test_parse(text: str, expected: Size) -> None:
    """A dim's name is an expression of sizes or one symbol; nothing in it is run."""
    assert parse(text) == expected


def test_what_is_shown_can_be_parsed() -> None:
    rng = random.Random(5)
    for _ in range(100):
        size: Size = sum(rng.randint(1, 9) * rng.choice([N, M, N * M]) for _ in range(3)) + rng.randint(-5, 5)

        assert parse(dims.show(size)) == size


def test_bounds_of_flags() -> None:
    """A size that is one of two, as a size that is 0 or 1 says, is never below the lesser; many such are not looked through."""
    choice = [dims.holds(dims.symbol(f"s{i}") - 3) for i in range(12)]

    assert dims.lower_bound(choice[0] * N + (1 - choice[0]) * 5) == 0
    assert dims.lower_bound(choice[0] * choice[1] * 4 + (1 - choice[0]) * (N + 2)) == 0
    assert dims.at_least(7 - choice[0] * 3 - choice[1] * 4, 0)
    assert dims.lower_bound(sum((c * N - c * M for c in choice), 3)) is None


def test_functions_in_several_places() -> None:
    """Those that others are of come first; what stands in one place alone, or only inside of one that is named, is not among them."""
    n, m = dims.symbol("n"), dims.symbol("m")
    inner = dims.floor_div(n, m)
    outer = dims.minimum(inner * 2, m)
    alone = dims.floor_div(m, n)

    assert [dims.show(dims.function_of(f.name, *f.args)) for f in dims.repeated([outer + alone, outer * n, inner])] == [
        dims.show(inner),
        dims.show(outer),
    ]
    assert dims.repeated([outer + alone]) == []


def test_what_is_divided_by_zero_has_no_size() -> None:
    with pytest.raises(dims.DividedByZero):
        dims.floor_div(dims.symbol("n") + 1, 0)
