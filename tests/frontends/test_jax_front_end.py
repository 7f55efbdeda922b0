"""What the JAX front end puts right, what it says, and what it refuses."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
from harness import needs

pytestmark = needs("jax")

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import nnx

import onnx_bridge
from onnx_bridge.errors import ExportError
from onnx_bridge.frontends import Exported, Request, export, framework_of
from onnx_bridge.frontends import jax as front_end

RNG = np.random.default_rng(3)
X = RNG.standard_normal((2, 5)).astype(np.float32)
IMAGE = RNG.standard_normal((2, 7, 8, 3)).astype(np.float32)


def exported(model: Any, examples: Any = X, dynamic: Any = None) -> Exported:
    return export(model, "jax", Request(examples, dynamic))


def operators(made: Exported) -> set[str]:
    return {node.op_type for node in made.model.graph.node}


def agrees(made: Exported, *feeds: np.ndarray) -> None:
    session = onnxruntime.InferenceSession(made.model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = dict(zip((value.name for value in made.model.graph.input), feeds, strict=True))
    for ours, theirs in zip(session.run(None, given), made.reference(given), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


# ---- what is recognised


def test_models_of_jax_are_recognised() -> None:
    module = nn.Dense(3)
    variables = module.init(jax.random.key(0), X)
    models = [
        (module, variables), [module, variables], module.bind(variables), module, nnx.Linear(5, 3, rngs=nnx.Rngs(0)), jnp.tanh,
        jax.jit(jnp.tanh), lambda x: x, jax.nn.relu,
    ]  # fmt: skip
    assert [framework_of(model) for model in models] == ["jax"] * len(models)


def test_what_is_not_a_model_is_not_recognised() -> None:
    assert [framework_of(model) for model in (nn.Dense, 3, (1, 2), [X], "model.onnx", np.ones(2), jnp)] == [None] * 7


# ---- what jax2onnx gets wrong without a word


@contextmanager
def without(repair: str) -> Iterator[None]:
    """The front end without one of its repairs."""
    kept = front_end.REPAIRS
    front_end.REPAIRS = tuple(each for each in kept if each.__name__ != repair)
    assert len(front_end.REPAIRS) == len(kept) - 1
    try:
        yield
    finally:
        front_end.REPAIRS = kept


def padded(pool: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: pool(x, window_shape=(3, 3), strides=(2, 2), padding=((1, 1), (0, 2)))


def general() -> Any:
    module = nn.DenseGeneral((2, 3))
    return module, module.init(jax.random.key(0), X)


SILENT: dict[str, tuple[str, Any, np.ndarray]] = {
    "padding of max_pool": ("pools", padded(nn.max_pool), IMAGE),
    "padding of avg_pool": ("pools", padded(nn.avg_pool), IMAGE),
    "positional arguments": ("pools", lambda x: nn.max_pool(x, (2, 2), (2, 2)), IMAGE),
    "shape of DenseGeneral": ("general_layers", general, X),
    "shape of LinearGeneral": ("general_layers", lambda: nnx.LinearGeneral(5, (2, 3), rngs=nnx.Rngs(0)), X),
    "node newer than the opset": ("cumulative_product", lambda x: jnp.cumprod(x, axis=1), X),
    "log_sigmoid of large numbers": ("log_sigmoid", lambda x: nn.log_sigmoid(x), X),
    "switch of three branches": ("switches", lambda x: jax.lax.switch(jnp.argmax(x[0, :3]), [jnp.sin, jnp.cos, jnp.tanh], x), X),
}


@pytest.mark.parametrize("name", SILENT)
def test_the_repair_gives_what_jax_gives_on_the_first_route(name: str) -> None:
    _, model, x = SILENT[name]
    made = exported(model() if "General" in name else model, x)

    assert made.route.startswith("jax2onnx (")
    agrees(made, x)
    agrees(made, np.concatenate([x, x, x]))


@pytest.mark.parametrize("name", SILENT)
def test_without_the_repair_the_first_route_is_caught(name: str) -> None:
    repair, model, x = SILENT[name]
    with without(repair):
        try:
            made = exported(model() if "General" in name else model, x)
        except ExportError as error:
            assert "jax2onnx" in str(error)
        else:
            assert not made.route.startswith("jax2onnx (")
            assert any(note.startswith("jax2onnx") for note in made.notes)
            agrees(made, x)


def test_log_sigmoid_stays_finite() -> None:
    made = exported(lambda x: nn.log_sigmoid(x))
    agrees(made, np.array([[-200, -100, -1, 0, 100]], np.float32))


def test_a_norm_of_zero_divides_as_in_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    def unit(x: Any) -> Any:
        return x / jnp.linalg.norm(x, axis=-1, keepdims=True)

    rows = np.array([[0, 0, 0, 0, 0], [1, 2, 3, 4, 5]], np.float32)
    agrees(exported(unit), rows)

    monkeypatch.setattr(front_end.finish, "divide_by_norms", lambda graph, note: None)
    with pytest.raises(AssertionError):
        agrees(exported(unit), rows)


def test_no_size_that_jax2onnx_made_up_is_declared() -> None:
    made = exported(lambda x: jax.lax.scan(lambda s, row: (s + row, s * row), jnp.zeros(3), x)[1], np.ones((4, 3), np.float32), {"x": {}})

    assert "SENTINEL" not in str(made.model)
    agrees(made, np.ones((4, 3), np.float32))


def test_dynamic_sizes_have_the_names_that_were_asked_for() -> None:
    made = exported(lambda x: jnp.sum(x, axis=2), RNG.standard_normal((2, 4, 3)).astype(np.float32), {"x": {0: "events", 1: "hits"}})

    def shape(value: onnx.ValueInfoProto) -> list[int | str]:
        return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]

    assert shape(made.model.graph.input[0]) == ["events", "hits", 3]
    assert shape(made.model.graph.output[0]) == ["events", "hits"]


def test_jax_is_as_it_was_after_an_export() -> None:
    before = [jnp.shape, jnp.cumsum, nn.max_pool, nn.Dense.__call__, nnx.RNN.__call__, jax.nn.silu, jax.lax.switch]
    exported(lambda x: jnp.cumsum(jax.nn.silu(x), 1))

    assert [jnp.shape, jnp.cumsum, nn.max_pool, nn.Dense.__call__, nnx.RNN.__call__, jax.nn.silu, jax.lax.switch] == before
    assert jnp.cumsum(jnp.ones((2, 2)), 1)[0, 1] == 2


def test_functions_that_were_jitted_before_or_in_an_export_are_whole() -> None:
    @jax.jit
    def inner(x: Any) -> Any:
        return nn.max_pool(jax.nn.silu(x), (2, 2), (2, 2), ((1, 1), (0, 0)))

    wanted = np.asarray(inner(IMAGE))
    made = exported(lambda x: inner(x) * 2, IMAGE, {"x": {}})
    agrees(made, IMAGE)

    assert "MaxPool" in operators(made)
    np.testing.assert_allclose(inner(IMAGE), wanted)


# ---- recurrent layers that ONNX has not


def test_lengths_of_sequences_are_left_to_a_loop_and_that_is_said() -> None:
    module = nn.RNN(nn.GRUCell(4))
    x, lengths = RNG.standard_normal((2, 5, 3)).astype(np.float32), np.array([2, 5], np.int32)
    variables = module.init(jax.random.key(0), x)
    made = exported(lambda x, n: module.apply(variables, x, seq_lengths=n), (x, lengths))

    assert "Loop" in operators(made)
    assert any("left to jax2onnx" in note for note in made.notes)
    agrees(made, x, lengths)


def test_a_state_that_does_not_begin_at_zero_is_kept() -> None:
    module = nn.RNN(nn.GRUCell(4, carry_init=nn.initializers.ones))
    x = RNG.standard_normal((2, 5, 3)).astype(np.float32)
    made = exported((module, module.init(jax.random.key(0), x)), x)

    assert "Loop" in operators(made)
    agrees(made, x)


# ---- inference mode


class Trained(nn.Module):
    """A module that is told whether it is trained."""

    @nn.compact
    def __call__(self, x: Any, train: bool) -> Any:
        return nn.Dropout(0.5)(nn.BatchNorm(use_running_average=not train)(x), deterministic=not train)


def test_linen_is_called_for_inference() -> None:
    variables = Trained().init(jax.random.key(0), X, train=False)

    assert "called with train=False, for inference" in exported((Trained(), variables)).notes


def test_nnx_is_put_to_inference_and_the_callers_own_is_left_alone() -> None:
    module = nnx.Sequential(nnx.BatchNorm(5, rngs=nnx.Rngs(0)), nnx.Dropout(0.5, rngs=nnx.Rngs(0)))
    made = exported(module)

    assert "put to inference mode: BatchNorm, Dropout" in made.notes
    assert [layer.use_running_average for layer in module.layers[:1]] == [False]
    assert module.layers[1].deterministic is False
    agrees(made, X)


# ---- names


def test_names_are_those_of_parameters_and_keys() -> None:
    def model(batch: Any, scale: Any) -> Any:
        return {"score": batch["hits"] * scale, "all": [batch["track"], batch["hits"]]}

    made = exported(model, ({"hits": X, "track": X}, X[:, :1]))

    assert [value.name for value in made.model.graph.input] == ["hits", "track", "scale"]
    assert [value.name for value in made.model.graph.output] == ["output_all_0", "output_all_1", "score"]


def test_an_argument_that_is_a_mapping_may_be_given_by_its_keys() -> None:
    made = exported(lambda batch: batch["hits"] + batch["track"], {"hits": X, "track": X})

    assert [value.name for value in made.model.graph.input] == ["hits", "track"]


def test_inputs_of_a_variadic_model_have_the_names_that_are_given() -> None:
    module = nn.Sequential([nn.Dense(4), nn.relu])
    made = exported((module, module.init(jax.random.key(0), X)), {"hits": X}, {"hits": {0: "n"}})

    assert [value.name for value in made.model.graph.input] == ["hits"]


# ---- operators of the user's own


def test_a_declared_function_is_one_node() -> None:
    cube = onnx_bridge.custom_op(
        "jax_front_end::Cube",
        """Cube <k: float = 1.0> (x) => (y) {
            number = Constant <value_float: float = @k> ()
            square = Mul (x, x)
            cube = Mul (square, x)
            y = Mul (cube, number)
        }""",
        functor="k * x * x * x",
    )

    @cube
    def soft(x: Any, k: float = 2.0) -> Any:
        return k * x**3

    for model in (lambda x: soft(x, k=3) + 1, jax.jit(lambda x: soft(x)), jax.vmap(lambda x: soft(x)), lambda x: jax.lax.map(soft, x)):
        made = exported(model)
        text = str(made.model)
        assert 'domain: "jax_front_end"' in text
        assert [entry.version for entry in made.model.opset_import if entry.domain == "jax_front_end"] == [1]
        agrees(made, X)
    np.testing.assert_allclose(soft(jnp.ones(2)), 2)


# ---- a file


def test_a_model_named_in_a_file_is_exported_in_a_process_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "classifier.py"
    file.write_text(
        textwrap.dedent("""
            import flax.linen as nn, jax, jax.numpy as jnp
            module = nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(2)])
            model = module, module.init(jax.random.key(0), jnp.ones((1, 3)))
            print("a word on the way")
        """)
    )
    made = onnx_bridge.convert(f"{file}:model", example_inputs=jnp.ones((2, 3), jnp.float32), dynamic={"x": {0: "events"}})

    assert made.name == "model"
    assert list(made.model.symbols) == ["events"]
    assert made.compile().run({"x": np.ones((5, 3), np.float32)})[0].shape == (5, 2)


def test_a_layer_in_float16_of_float32_parameters() -> None:
    """flax rounds parameters to the layer's type; jax2onnx leaves the bias as it is."""
    net = nnx.Sequential(*(nnx.Linear(*sizes, dtype=jnp.float16, rngs=nnx.Rngs(0)) for sizes in ((5, 6), (6, 2))))

    made = onnx_bridge.convert(net, example_inputs=np.ones((3, 5), np.float32))

    assert "weights of layers in halves" in str(made.report)
