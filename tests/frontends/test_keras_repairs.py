"""What tf2onnx and Keras get wrong without a word, and the layers that must arrive as operators: a test for each repair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness import needs

pytestmark = needs("keras")

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from keras_cases import KERAS, graph, randomised

from onnx_bridge import ExportError, custom_op
from onnx_bridge.frontends import Exported, Request, export
from onnx_bridge.frontends.keras import convert as tf2onnx_convert
from onnx_bridge.frontends.keras import handlers as tf2onnx_handlers
from onnx_bridge.frontends.keras import layers as keras_layers
from onnx_bridge.frontends.keras import repairs as tf2onnx_repairs

L = keras.layers


def exported(model: Any, **said: Any) -> Exported:
    return export(model, "keras", Request(**said))


def operators(made: Exported) -> list[str]:
    return [node.op_type for node in made.model.graph.node]


def session(made: Exported) -> Any:
    return onnxruntime.InferenceSession(made.model.SerializeToString(), providers=["CPUExecutionProvider"])


def off(made: Exported, feeds: Mapping[str, np.ndarray]) -> float:
    """The largest difference between onnxruntime's answer and the framework's, by the largest value where that is above 1.

    Infinite where NaN stands in different places.
    """
    worst = 0.0
    for ours, theirs in zip(session(made).run(None, dict(feeds)), made.reference(feeds), strict=True):
        assert ours.shape == theirs.shape
        gap = np.where((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)), 0, np.abs(ours.astype(np.float64) - theirs))
        scale = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0)))
        worst = max(worst, float(np.nan_to_num(gap, nan=np.inf).max(initial=0)) / scale)
    return worst


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Takes handlers of ours out, to see that tf2onnx alone is wrong: else the test would prove nothing."""

    def take_out(*names: str) -> None:
        left = {name: handler for name, handler in tf2onnx_handlers.HANDLERS.items() if name not in names}
        monkeypatch.setattr(tf2onnx_convert, "HANDLERS", left)

    yield take_out


def where_model() -> Any:
    return graph({"x": (6,)}, lambda L, x: L.Lambda(lambda v: tf.where(v > 0, tf.math.log(v), tf.zeros_like(v)))(x))


def test_where_leaks_no_nan() -> None:
    assert off(exported(where_model()), {"x": drawn(3, 6)}) < 1e-6


def test_where_leaks_nan_without_the_handler(without: Any) -> None:
    without("Select", "SelectV2")
    assert off(exported(where_model()), {"x": drawn(3, 6)}) == np.inf


def floor_model() -> Any:
    return tf.function(lambda x: (x // 3, x % 3), input_signature=[tf.TensorSpec([None], tf.int32, name="x")])


def test_quotients_of_integers_are_rounded_down() -> None:
    assert off(exported(floor_model()), {"x": np.arange(-9, 9, dtype=np.int32)}) == 0


def test_quotients_of_integers_are_cut_off_without_the_handler(without: Any) -> None:
    without("FloorDiv", "FloorMod")
    assert off(exported(floor_model()), {"x": np.arange(-9, 9, dtype=np.int32)}) > 0


def test_captured_constants_are_no_inputs() -> None:
    outside = tf.constant([1.0, 2.0, 3.0])
    made = exported(tf.function(lambda x: x * outside, input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")]))
    assert [value.name for value in made.model.graph.input] == ["x"]
    assert off(made, {"x": drawn(4, 3)}) == 0


def test_captured_constants_leak_without_the_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tf.constant([1.0, 2.0, 3.0])
    monkeypatch.setattr(
        tf2onnx_convert, "arguments", lambda concrete: [tensor for tensor in concrete.inputs if tensor.dtype != tf.resource]
    )
    with pytest.raises((ExportError, ValueError)):
        exported(tf.function(lambda x: x * outside, input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")]))


def test_statistics_of_normalization_are_no_inputs() -> None:
    layer = L.Normalization()
    layer.adapt(drawn(50, 3) * 2 + 1)
    made = exported(keras.Sequential([L.Input((3,), name="x"), layer, L.Dense(2)]))
    assert [value.name for value in made.model.graph.input] == ["x"]
    assert off(made, {"x": drawn(4, 3)}) < 1e-6


def test_foreign_operators_are_refused_with_their_layer() -> None:
    model = keras.Sequential([L.Input((3, 3)), L.Dense(3), L.Lambda(tf.linalg.inv, name="inverse")])
    with pytest.raises(ExportError, match="MatrixInverse of layer 'inverse'"):
        exported(model)


def test_foreign_operators_pass_without_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf2onnx_convert, "refuse_foreign", lambda model, layers: None)
    made = exported(keras.Sequential([L.Input((3, 3)), L.Lambda(tf.linalg.inv)]))
    assert "MatrixInverse" in operators(made)


def conv3d_model() -> Any:
    return graph({"x": (5, 5, 5, 4)}, lambda L, x: L.Conv3D(6, 2, groups=2)(x))


def test_group_of_conv3d_is_restored() -> None:
    made = exported(conv3d_model())
    assert any("group 2" in note for note in made.notes)
    assert off(made, {"x": drawn(2, 5, 5, 5, 4)}) < 1e-5


def test_group_of_conv3d_is_lost_without_the_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf2onnx_repairs, "group_of_convolutions", lambda model: [])
    made = exported(conv3d_model())
    with pytest.raises(Exception, match="group"):
        session(made).run(None, {"x": drawn(2, 5, 5, 5, 4)})


def transposed_model() -> Any:
    return graph({"x": (5, 4, 3)}, lambda L, x: L.Conv2DTranspose(6, 2, strides=(2, 3))(x))


def test_negative_pads_become_output_padding() -> None:
    made = exported(transposed_model())
    assert any("output padding" in note for note in made.notes)
    assert off(made, {"x": drawn(2, 5, 4, 3)}) < 1e-5


def test_negative_pads_are_refused_without_the_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf2onnx_repairs, "pads_of_transposed", lambda model: [])
    with pytest.raises(Exception, match="pads"):
        session(exported(transposed_model()))


@pytest.mark.skipif(KERAS < (3,), reason="Keras 2 compiles no convolution")
def test_grouped_convolution_of_a_saved_model_is_no_call(tmp_path: Path) -> None:
    graph({"x": (8, 8, 4)}, lambda L, x: L.Conv2D(6, 3, groups=2)(x)).export(str(tmp_path / "m"), verbose=False)
    assert "Conv" in operators(exported(tmp_path / "m"))


# --- layers that arrive as operators

RECURRENT = [("GRU", "GRU"), ("LSTM", "LSTM"), ("SimpleRNN", "RNN")]


@pytest.mark.parametrize(("layer", "operator"), RECURRENT)
def test_a_zero_state_is_absent(layer: str, operator: str) -> None:
    made = exported(graph({"x": (None, 4)}, lambda L, x: getattr(L, layer)(5)(x)))
    (node,) = [node for node in made.model.graph.node if node.op_type == operator]
    assert list(node.input[4:]) == []
    assert [bool(name) for name in node.output][:2] == [False, True], "the steps, which nobody reads, are not asked for"
    assert operators(made) == ["Transpose", operator, "Squeeze"]


def test_without_opaque_nodes_recurrent_layers_are_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_layers, "LAYERS", ())
    made = exported(graph({"x": (None, 4)}, lambda L, x: L.SimpleRNN(5)(x)))
    assert "Loop" in operators(made)


def test_layers_are_themselves_again_after_an_export() -> None:
    names = [layer.name for layer in keras_layers.LAYERS if hasattr(L, layer.name)]
    before = [vars(getattr(L, name))["call"] for name in names]
    exported(graph({"x": (6, 4)}, lambda L, x: L.GRU(5)(x)))
    with pytest.raises(ExportError):
        exported(keras.Sequential([L.Input((3, 3)), L.GRU(4, return_sequences=True), L.Dense(3), L.Lambda(tf.linalg.inv)]))
    assert [vars(getattr(L, name))["call"] for name in names] == before


class Gated(L.Layer):
    """A layer whose call is a function of TensorFlow's own, which remembers what it was traced to."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = L.GRU(3)

    def build(self, shape: Any) -> None:
        self.gru.build(shape)

    @tf.function
    def call(self, x: Any) -> Any:
        return self.gru(x)


def test_opaque_nodes_do_not_stay_in_functions_that_remember() -> None:
    model = keras.Sequential([L.Input((6, 4), name="x"), Gated()])
    made = exported(model)
    assert "GRU" in operators(made)
    assert off(made, {"x": drawn(3, 6, 4)}) < 1e-6
    assert model.predict(drawn(3, 6, 4), verbose=0).shape == (3, 3)


class Doubling(L.Layer):
    """Python's `if` on a tensor, which TensorFlow reads in a function of its own."""

    @tf.function
    def call(self, x: Any) -> Any:
        if tf.reduce_sum(x) > 0:
            return x * 2
        return x

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def test_control_flow_on_tensors_is_kept() -> None:
    made = exported(keras.Sequential([L.Input((4,), name="x"), Doubling(), L.Dense(2)]))
    assert "If" in operators(made)
    for sign in (1, -1):
        assert off(made, {"x": sign * np.abs(drawn(3, 4))}) < 1e-6


class OwnNorm(L.LayerNormalization):
    """A subclass that computes something else."""

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) * 2


def test_subclasses_are_left_alone() -> None:
    made = exported(graph({"x": (6,)}, lambda L, x: OwnNorm()(x)))
    assert off(made, {"x": drawn(3, 6)}) < 1e-6


@pytest.mark.parametrize("generation", [2, 3])
def test_hard_sigmoid_is_the_function_of_the_keras_that_wrote_the_file(generation: int, tmp_path: Path) -> None:
    if generation == 3 and KERAS < (3,):
        pytest.skip("there is no Keras 3 here")
    framework: Any = keras if generation == 3 or KERAS < (3,) else pytest.importorskip("tf_keras")
    model = framework.Sequential([framework.layers.Input((1,), name="x"), framework.layers.Activation("hard_sigmoid")])
    path = tmp_path / "model.h5"
    model.save(path)
    x = np.linspace(-4, 4, 33, dtype=np.float32)[:, None]
    wanted = np.clip(0.2 * x + 0.5, 0, 1) if generation == 2 else np.clip(x / 6 + 0.5, 0, 1)
    (ours,) = session(exported(path)).run(None, {"x": x})
    assert np.abs(ours - wanted).max() < 1e-6
    assert np.abs(np.clip(0.2 * x + 0.5, 0, 1) - np.clip(x / 6 + 0.5, 0, 1)).max() > 0.05


def test_outputs_of_a_saved_model_stand_in_the_models_order(tmp_path: Path) -> None:
    framework = keras if KERAS < (3,) else pytest.importorskip("tf_keras")
    layers = framework.layers
    x = layers.Input((3,), name="x")
    model = framework.Model(x, [layers.Dense(2, name="zz")(x), layers.Dense(5, name="aa")(x)])
    model.save(tmp_path / "m", save_format="tf")
    signature = tf.saved_model.load(str(tmp_path / "m")).signatures["serving_default"]
    assert [int(shape[-1]) for shape in tf.nest.flatten(signature.output_shapes)] == [5, 2], "sorted by name"
    made = exported(tmp_path / "m")
    assert [value.shape for value in session(made).run(None, {"x": drawn(4, 3)})] == [(4, 2), (4, 5)]
    assert off(made, {"x": drawn(4, 3)}) < 1e-6


def test_attention_is_left_as_einsum() -> None:
    made = exported(graph({"x": (6, 8)}, lambda L, x: L.MultiHeadAttention(2, 4)(x, x)))
    assert "Einsum" in operators(made)
    assert len(operators(made)) < 25


# --- an operator of one's own


SOFT_CUBE = custom_op(
    "test.keras::SoftCube",
    "SoftCube <scale: float = 1.0> (x) => (y)"
    " { s = Constant <value_float: float = @scale> () c = Mul (x, x) d = Mul (c, x) y = Mul (d, s) }",
)


@SOFT_CUBE
def soft_cube(x: Any, scale: float = 1.0) -> Any:
    return scale * x * x * x


class Cubes(L.Layer):
    """A function that is declared to be an operator, inside one that TensorFlow traces."""

    @tf.function
    def call(self, x: Any) -> Any:
        return soft_cube(soft_cube(x), scale=2)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def test_a_declared_function_arrives_as_one_node() -> None:
    made = exported(keras.Sequential([L.Input((4,), name="x"), L.Dense(3, activation=soft_cube), Cubes(), L.Dense(2)]))
    nodes = [node for node in made.model.graph.node if node.domain == "test.keras"]
    assert [node.op_type for node in nodes] == ["SoftCube"] * 3
    assert sorted(onnx.helper.get_attribute_value(node.attribute[0]) for node in nodes) == [1.0, 1.0, 2.0]
    assert off(made, {"x": drawn(3, 4)}) < 1e-6


def test_two_exports_of_a_model_are_the_same_bytes() -> None:
    model = randomised(keras.Sequential([L.Input((6, 4), name="x"), L.TimeDistributed(L.Dense(3)), L.GRU(4), L.Dense(2, "gelu")]))
    first, second = (exported(model).model.SerializeToString(deterministic=True) for _ in range(2))
    assert first == second
