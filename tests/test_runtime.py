"""runtime/: a compiled model as a callable on numpy arrays. Wrong arguments are an InferenceError that names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import dense_answer, dense_net, model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import CompiledModel, InferenceError, ToolchainError, WeightsError, convert
from onnx_bridge.emit.header import Emitted
from onnx_bridge.runtime.compiled import compile_emitted
from onnx_bridge.toolchain import build, cache_folder, find_compiler


@pytest.fixture(scope="module")
def emitted() -> Emitted:
    return convert(dense_net(), name="small", verify=False).emitted


@pytest.fixture(scope="module")
def net(emitted: Emitted) -> CompiledModel:
    """x [N, 3] -> y [N, 2]."""
    return compile_emitted(emitted)


@pytest.fixture(scope="module")
def two() -> CompiledModel:
    """a [N, 2], b [N, M] -> sum [N, 2], twice [N, M]."""
    nodes = [helper.make_node("Add", ["a", "a"], ["sum"], "one"), helper.make_node("Add", ["b", "b"], ["twice"], "two")]
    shapes = {"a": ["N", 2], "b": ["N", "M"], "sum": ["N", 2], "twice": ["N", "M"]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    return convert(model_of(helper.make_graph(nodes, "two", ends[:2], ends[2:])), verify=False).compile()


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 17, 1000])
def test_any_batch(net: CompiledModel, count: int) -> None:
    x = rows(count)

    np.testing.assert_allclose(net(x), dense_answer(x), rtol=1e-6, atol=1e-6)
    assert net(x=x).shape == (count, 2)


def test_a_row_has_the_same_bits_alone_and_in_a_batch(net: CompiledModel) -> None:
    x = rows(100)

    assert net(x).tobytes() == b"".join(net(row[None]).tobytes() for row in x)


def test_all_bodies_with_fma_give_the_same_bits(emitted: Emitted) -> None:
    x = rows(33)
    answers = []
    for body in ("best", *emitted.bodies):
        try:
            answers.append((body, compile_emitted(emitted, body=body)(x)))
        except WeightsError as error:
            assert "this processor cannot run the body" in str(error)

    assert {answer.tobytes() for body, answer in answers if body != "baseline"} == {answers[0][1].tobytes()}
    for _, answer in answers:
        np.testing.assert_allclose(answer, answers[0][1], rtol=1e-6, atol=1e-6)


def test_flags_do_not_change_the_bits(emitted: Emitted) -> None:
    x = rows(33)
    answers = {compile_emitted(emitted, flags=flags)(x).tobytes() for flags in (["-O0"], ["-O2"], ["-O3", "-ffast-math"])}

    assert len(answers) == 1
    # A library that is linked so has the processor take subnormal numbers for 0 in the thread that loads it.
    assert np.float32(1e-45) * np.float32(1.0) != 0


def test_flags_of_the_environment_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the usual ones, before those of the call; other flags are another library."""
    source = {"main.cpp": "#if !defined SAID || SAID != 2\n#error not said\n#endif\n"}
    monkeypatch.setenv("ONNX_BRIDGE_FLAGS", "")
    with pytest.raises(ToolchainError, match="not said"):
        build(source, "main.cpp")
    monkeypatch.setenv("ONNX_BRIDGE_FLAGS", "-DSAID='1 + 1' -O0")
    said = build(source, "main.cpp")
    assert said != build(source, "main.cpp", flags=["-O1"])


def test_several_outputs_are_a_tuple_with_names(two: CompiledModel) -> None:
    a, b = np.ones((3, 2), np.float32), np.full((3, 5), 2, np.float32)

    outputs = two(a, b=b)
    first, second = outputs

    assert two.input_names == ["a", "b"]
    assert two.output_names == ["sum", "twice"]
    assert (first == 2).all() and (second == 4).all() and second.shape == (3, 5)
    assert outputs["twice"] is second and outputs[-1] is second
    assert outputs.keys() == ["sum", "twice"] and dict(outputs.items())["sum"] is first
    with pytest.raises(KeyError, match="no output is called 'other'"):
        outputs["other"]


def test_run_takes_names(net: CompiledModel) -> None:
    x = rows(4)

    assert net.run({"x": x})["y"].tobytes() == net(x).tobytes()


@pytest.mark.parametrize(
    "x", [rows(8)[::2], np.asfortranarray(rows(4)), rows(4)[::-1], np.broadcast_to(rows(1), (4, 3)), [[1, 2.5, 3]], [[1, 2, 3]]],
    ids=["strided", "columns", "backwards", "broadcast", "floats", "integers"],
)  # fmt: skip
def test_what_is_laid_out_otherwise_is_copied(net: CompiledModel, x: object) -> None:
    wanted = dense_answer(np.ascontiguousarray(x, np.float32))

    np.testing.assert_allclose(net(x), wanted, rtol=1e-6, atol=1e-6)


def test_the_answer_is_new_memory(net: CompiledModel) -> None:
    x = rows(2)
    first = net(x)
    kept = first.copy()
    net(x + 1)

    assert (first == kept).all()


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ([], {}, "missing: 'a', 'b'"),
        ([np.ones((3, 2), np.float32)], {}, "missing: 'b'"),
        ([np.ones((3, 2), np.float32)] * 3, {}, "has 2 inputs .*got 3"),
        ([np.ones((3, 2), np.float32)], {"a": 1}, "'a' was given twice"),
        ([], {"c": 1, "a": 1, "b": 1}, "no input is called 'c'"),
        ([np.ones((3, 2)), np.ones((3, 2), np.float32)], {}, "'a' is float64, expected float32"),
        ([np.ones((3, 2), np.int32), np.ones((3, 2), np.float32)], {}, "'a' is int32, expected float32"),
        ([np.ones(3, np.float32), np.ones((3, 2), np.float32)], {}, r"'a' has shape \(3,\), expected float32 \[N, 2\]"),
        ([np.ones((3, 4), np.float32), np.ones((3, 2), np.float32)], {}, r"'a' has shape \(3, 4\), expected"),
        ([np.ones((3, 2), np.float32), np.ones((4, 2), np.float32)], {}, r"'b' has shape \(4, 2\), expected .* with N = 3"),
        ([np.array([["p", "q"]]), np.ones((1, 2), np.float32)], {}, "'a' is <U1, expected float32"),
        ([None, np.ones((1, 2), np.float32)], {}, "'a' is object, expected float32"),
    ],
)
def test_wrong_arguments_are_named(two: CompiledModel, args: list[object], kwargs: dict[str, object], says: str) -> None:
    with pytest.raises(InferenceError, match=says):
        two(*args, **kwargs)


@pytest.mark.parametrize("rows", [2**35, 2**45])
def test_no_memory_is_an_error_of_ours(two: CompiledModel, rows: int) -> None:
    """Arrays as large as that are possible: views of one element. A size that is none of any memory is said to be so, by name."""
    with pytest.raises(InferenceError, match=r"no memory for input 'b' of shape"):
        two(np.zeros((1, 2), np.float32), np.broadcast_to(np.float32(0), (rows, 2**15)))


def test_no_memory_for_an_output() -> None:
    """A size that is given as a number may be any."""
    ends = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in (("n", []), ("y", ["N"]))]
    numbers = [numpy_helper.from_array(np.array(value), f"c{value}") for value in (0, 1)]
    graph = helper.make_graph([helper.make_node("Range", ["c0", "n", "c1"], ["y"])], "range", ends[:1], ends[1:], numbers)
    net = convert(model_of(graph), name="range_to", verify=False).compile()

    for count in (2**62, 2**45):
        with pytest.raises(InferenceError, match=r"no memory for output 'y' of shape"):
            net(np.array(count))
    assert net(np.array(3)).tolist() == [0, 1, 2]


def test_it_works_after_a_wrong_call(net: CompiledModel) -> None:
    with pytest.raises(InferenceError):
        net(np.ones((2, 4), np.float32))

    assert net(rows(2)).shape == (2, 2)


def test_a_body_that_is_none(emitted: Emitted) -> None:
    with pytest.raises(InferenceError, match="body must be one of best, baseline, avx2, avx512, not 'mmx'"):
        compile_emitted(emitted, body="mmx")


def test_time_runs_that_often(net: CompiledModel) -> None:
    """More calls take longer; the loop is native, so a call of a small net is well under what a call from Python takes."""
    feeds = {"x": rows(1)}
    few, many = (min(net.time(feeds, number) for _ in range(5)) for number in (1_000, 100_000))

    assert 0 < few < many
    assert many / 100_000 < 2e-6


def test_workspace_bytes_follow_the_sizes(two: CompiledModel) -> None:
    one, many = ({"a": np.ones((n, 2), np.float32), "b": np.ones((n, 3), np.float32)} for n in (1, 1000))

    assert 0 <= two.workspace_bytes(one) <= two.workspace_bytes(many)


def test_a_library_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sources and flags give the same file; others another one."""
    monkeypatch.setenv("ONNX_BRIDGE_CACHE", str(tmp_path))
    sources = {"a.hxx": "inline int a() { return 1; }", "a.cpp": '#include "a.hxx"\nextern "C" int f() { return a(); }'}

    first = build(sources, "a.cpp")
    before = first.stat().st_mtime_ns
    again, other = build(dict(reversed(sources.items())), "a.cpp"), build(sources, "a.cpp", flags=["-O1"])

    assert cache_folder() == tmp_path
    assert again == first and first.stat().st_mtime_ns == before
    assert other != first
    assert build({**sources, "a.hxx": "// Another proof.\n" + sources["a.hxx"]}, "a.cpp") == first
    assert build({**sources, "a.hxx": sources["a.hxx"].replace("1", "2")}, "a.cpp") != first
    assert not list(tmp_path.glob("build-*"))


def test_the_compiler_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_compiler()
    find_compiler.cache_clear()
    monkeypatch.setenv("CXX", "no-such-compiler")
    try:
        assert find_compiler(found.command[0]).version == found.version
        with pytest.raises(ToolchainError, match="looked for no-such-compiler"):
            find_compiler()
    finally:
        find_compiler.cache_clear()
