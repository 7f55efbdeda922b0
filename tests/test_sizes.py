"""Sizes to try: they follow from a model's own conditions, and where there are none it is said why."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import zoo

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dims
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.verify.sizes import ENOUGH, MOST_ELEMENTS, allowed, elements, sizes_to_try, why_none

N, T, U = dims.symbol("N"), dims.symbol("T"), dims.symbol("U")


def tried(*conditions: dims.Size, equal: tuple[tuple[dims.Size, dims.Size], ...] = (), names: str = "NTU") -> list[dict[str, int]]:
    """The sets of sizes that are used if the reference takes them all."""
    model = RModel("net", symbols=[*names], conditions=[*conditions], constraints=[*equal])
    found = list(sizes_to_try(model))[:ENOUGH]
    assert all(allowed(model, sizes) for sizes in found)
    assert (why_none(model) == "") == bool(found)
    return found


def test_without_conditions() -> None:
    assert tried() == [dict(zip("NTU", row, strict=True)) for row in ((1, 1, 1), (3, 2, 5), (2, 7, 3), (17, 12, 11))]
    assert list(sizes_to_try(RModel("net"))) == [{}]


@pytest.mark.parametrize(
    ("conditions", "equal"),
    [
        pytest.param([N - 185], [], id="at least"),
        pytest.param([N - 100_000], [], id="far"),
        pytest.param([4 - T], [], id="at most"),
        pytest.param([N - 40, 44 - N], [], id="between"),
        pytest.param([T + U - 17], [], id="two together"),
        pytest.param([T - U, U - 3], [], id="one below the other"),
        pytest.param([512 - T - U, T - 30], [], id="two at most"),
        pytest.param([], [(N, 8 * dims.floor_div(N, 8))], id="a multiple"),
        pytest.param([T - 60], [(T, 32 * dims.floor_div(T, 32)), (U, 32 * dims.floor_div(U, 32))], id="multiples"),
        pytest.param([dims.floor_div(N - 3, 2) - dims.floor_div(T + 3, 4)], [], id="divisions"),
    ],
)
def test_conditions_are_fulfilled(conditions: list[dims.Size], equal: list[tuple[dims.Size, dims.Size]]) -> None:
    """By as many sets as are needed, and with several values of every symbol."""
    found = tried(*conditions, equal=(*equal,))

    assert len(found) == ENOUGH
    assert all(len({sizes[symbol] for sizes in found}) > 1 for symbol in "NTU")


def test_the_condition_without_sizes_is_named() -> None:
    model = RModel("net", symbols=["N", "T"], conditions=[T - 9, N - T, 4 - N, N - 1])

    assert list(sizes_to_try(model)) == []
    assert why_none(model) == "no sizes were found for which T - 9 is not negative and N - T is not negative and -N + 4 is not negative"


def test_sizes_that_would_be_divided_by_zero_are_left_out() -> None:
    """Col2Im divides by the block, whose sizes are inputs here and need not be positive; a call with 0 is refused, too."""
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["": 18]>
        net (float[1, 9, 4] x, int64[2] image, int64[2] block) => (float[1, 1, 5, 5] y) {
            y = Col2Im <strides = [2, 2]> (x, image, block) }""")
    made = convert(model)
    feeds = {"x": np.ones((1, 9, 4), np.float32), "image": np.array([5, 5]), "block": np.array([0, 3])}

    assert made.report.passed
    with pytest.raises(InferenceError, match="divided by zero"):
        made.compile().run(feeds)


def test_large_sizes_are_left_out() -> None:
    net = zoo.Net("net")
    h = net("Conv", net.input("x", ("N", 1, "H", "W")), net.weight(8, 1, 3, 3))
    model = convert(net.floats(y=(h, ("N", 8, "I", "J"))), verify=False).model

    found = list(sizes_to_try(model))
    assert len(found) > ENOUGH and all(elements(model, sizes) <= MOST_ELEMENTS for sizes in found)
    assert elements(model, {"N": 2, "H": 5, "W": 4}) >= 2 * 8 * 3 * 2


def test_a_model_that_needs_room_is_compared() -> None:
    """Frames of 256 samples, which no row of small numbers has."""
    net = zoo.Net("net")
    h = net("Conv", net.input("x", ("N", 1, "samples")), net.weight(4, 1, 256), strides=[80])

    made = convert(net.floats(y=(h, ("N", 4, "frames"))), name="net")

    assert made.report.passed and "samples = 256" in made.report.inputs and made.report.inputs.count("samples") == ENOUGH


def test_nothing_to_compare_is_said() -> None:
    """A size of at least 40 and at most 4."""
    net = zoo.Net("net")
    best, _ = net.many("TopK", net.input("x", ("N", "T")), net.constant([40]), outputs=2)
    chosen = net("GatherElements", net.weight(4, 7), net("Transpose", net.input("rows", (7, "T"), onnx.TensorProto.INT64)), axis=1)

    with pytest.raises(InferenceError, match="inputs= that the model takes: no sizes were found for which .*T - 40.* and .*T"):
        convert(net.floats(best=(best, ("N", 40)), chosen=(chosen, ("T", 7))))
