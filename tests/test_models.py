"""Whole models: those made in tests/zoo.py, and real ones of the folder beside the repository.

Each is compared with onnxruntime, on the seeded inputs and on all that come with it; its rows alone with its rows in a batch; the AVX2
body with the widest. The larger ones are marked slow.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from zoo import ZOO

from onnx_bridge import convert
from onnx_bridge.errors import WeightsError
from onnx_bridge.verify.inputs import feeds
from onnx_bridge.verify.sizes import sizes_to_try

sys.path.append(str(Path(__file__).parent.parent / "scripts"))
from same_bits import agree, rows_alone

pytestmark = pytest.mark.usefixtures("as_users_build")

FAST = """
    sine_mlp two_input_mlp acts_duplicate_classifier acts_seed_duplicate_classifier autoencoder1d mnist_cntk_op8 mnist_mlp_bn oww_glados
    dtln_1 gru_tagger lstm_tagger rnn_tagger deepsets rl_godot_cart rl_unitree_g1 gpt2_tiny cond_if rollout_loop hit_filter_postproc
""".split()
SLOW = """
    mnist_burn_cnn mtcnn_pnet mtcnn_rnet mtcnn_onet osf_gaze super_resolution_espcn micro_kws_fp32 oww_speech_embedding
    keras_lstm_gru_tagger keras_mobilenet_v2 edgeconv_tagger cms_deepjet cms_deepdoublex cms_interaction_network
    cms_particlenet_ak4_hlt resnet18 mobilenetv2 mobilenetv3_small efficientnet_b0 convnext_atto unet_small wavenet_tcn conv_vae
    bert_tiny vit_tiny particle_transformer_small cms_part_ak4
""".split()
ROWS = 3

Feeds = Mapping[str, np.ndarray]


def prove(model: onnx.ModelProto, name: str, given: Sequence[Feeds]) -> None:
    """Converts a model, which compares it, and holds its code to the promise of the same bits."""
    made = convert(model, name=name, inputs=given)
    net = made.compile()

    assert made.report.passed
    assert made.report.rows[0].samples > len(given)
    assert rows_alone(made.model, net, ROWS) in (0, None)
    try:
        narrow = made.compile(body="avx2")
    except WeightsError:
        return  # the processor has no AVX2
    for feed in given or [feeds(made.model, next(sizes_to_try(made.model)), "normal", 1)]:
        assert agree(net, narrow, feed)


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name: str) -> None:
    prove(ZOO[name](), name, [])


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_shared_model(shared: Path, name: str) -> None:
    """With every input set that lies beside it."""
    folder = shared / "models"
    prove(shared_model(folder, name), name, [dict(np.load(file)) for file in sorted(folder.glob(f"{name}.inputs_*.npz"))])


def shared_model(folder: Path, name: str) -> onnx.ModelProto:
    """A model of the folder, filled in if it is a skeleton."""
    file = next((f for f in (folder / f"{name}.onnx", folder / f"{name}.skeleton.onnx") if f.exists()), None)
    if file is None:
        pytest.skip(f"no model {name} in the folder of models")
    spec = importlib.util.spec_from_file_location("materialise", folder / "materialise.py")
    assert spec is not None and spec.loader is not None
    materialise = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(materialise)
    model: onnx.ModelProto = materialise.materialise(onnx.load(file))
    return model
