"""Layers of Keras, one or a few at a time."""

from __future__ import annotations

import keras
import numpy as np
from keras_cases import Drawn, Ids, Zoo

zoo = Zoo()
chain, first, graph = zoo.chain, zoo.first, zoo.graph

# --- activations, in a small MLP

for name in (
    "relu sigmoid tanh softmax softplus softsign selu elu exponential gelu hard_sigmoid linear swish silu mish leaky_relu relu6 log_softmax"
).split():
    chain(f"mlp_{name}", (7,), lambda L, name=name: [L.Dense(11, name), L.Dense(3, name)])
for name in (
    "celu hard_tanh hard_shrink soft_shrink tanh_shrink log_sigmoid squareplus sparse_plus sparse_sigmoid sparsemax hard_silu hard_swish"
).split():
    chain(f"mlp_{name}", (7,), lambda L, name=name: [L.Dense(12, name), L.Dense(3)], since=(3, 14))
chain("mlp_gelu_tanh", (7,), lambda L: [L.Dense(9), L.Activation(lambda x: keras.activations.gelu(x, approximate=True)), L.Dense(3)])
chain("relu_max", (9,), lambda L: [L.Dense(9), L.ReLU(max_value=1.5)])
chain("relu_slope_threshold", (9,), lambda L: [L.Dense(9), L.ReLU(max_value=2, negative_slope=0.1, threshold=0.3)])
chain("leaky_relu_layer", (9,), lambda L: [L.LeakyReLU(), L.Dense(3)])
chain("elu_layer", (9,), lambda L: [L.ELU(alpha=0.7), L.Dense(3)])
chain("prelu", (4, 9), lambda L: [L.PReLU(), L.Dense(3)])
chain("prelu_shared", (4, 5, 3), lambda L: [L.PReLU(shared_axes=[1, 2])])
chain("softmax_axis", (4, 9), lambda L: [L.Softmax(axis=1)])
chain("thresholded_relu", (9,), lambda L: [L.ThresholdedReLU(theta=0.4)], until=(2,))

# --- dense and embedding

chain("dense_no_bias", (7,), lambda L: [L.Dense(3, use_bias=False)])
chain("dense_rank3", (5, 7), lambda L: [L.Dense(3, "relu"), L.Dense(2)])
chain("dense_rank3_open", (None, 7), lambda L: [L.Dense(3, "relu")])
chain("dense_rank4", (3, 5, 7), lambda L: [L.Dense(3)])
chain("einsum_dense", (5, 7), lambda L: [L.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d")])
chain("einsum_dense_heads", (5, 8), lambda L: [L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")])
chain("embedding", Ids((6,), 12), lambda L: [L.Embedding(12, 5), L.Flatten(), L.Dense(3)], operators=["Gather"])
chain(
    "embedding_open",
    Ids((None,), 12),
    lambda L: [L.Embedding(12, 5), L.GlobalAveragePooling1D(), L.Dense(3, "softmax")],
    operators=["Gather"],
)
chain("embedding_of_floats", Drawn((6,), lambda rng, shape: rng.integers(0, 12, shape)), lambda L: [L.Embedding(12, 5), L.Flatten()])
chain("embedding_int64", Ids((6,), 12, "int64"), lambda L: [L.Embedding(12, 5), L.Flatten()])

# --- what does nothing for inference

chain(
    "dropouts",
    (6, 5),
    lambda L: [L.Dense(4), L.Dropout(0.5), L.SpatialDropout1D(0.3), L.GaussianNoise(0.2), L.GaussianDropout(0.2), L.AlphaDropout(0.2)],
)
chain("activity_regularization", (7,), lambda L: [L.Dense(4), L.ActivityRegularization(0.1), L.Dense(2)])
chain("random_flip", (8, 8, 3), lambda L: [L.RandomFlip(), L.RandomRotation(0.1), L.Conv2D(4, 3)])

# --- convolutions

for padding in ("valid", "same", "causal"):
    chain(f"conv1d_{padding}", (12, 4), lambda L, padding=padding: [L.Conv1D(6, 3, padding=padding, activation="relu")])
chain("conv1d_dilated", (12, 4), lambda L: [L.Conv1D(6, 3, dilation_rate=2, padding="causal"), L.Conv1D(3, 2, dilation_rate=3)])
chain("conv1d_strides", (13, 4), lambda L: [L.Conv1D(6, 4, strides=3, padding="same")])
chain("conv1d_open", (None, 4), lambda L: [L.Conv1D(6, 3, padding="same"), L.GlobalMaxPooling1D()])
chain("conv1d_groups", (12, 4), lambda L: [L.Conv1D(6, 3, groups=2)])
for padding in ("valid", "same"):
    chain(f"conv2d_{padding}", (9, 8, 3), lambda L, padding=padding: [L.Conv2D(5, 3, padding=padding, activation="relu")])
    chain(f"conv2d_strides_{padding}", (9, 8, 3), lambda L, padding=padding: [L.Conv2D(5, (3, 2), strides=2, padding=padding)])
    chain(f"conv2d_transpose_{padding}", (5, 4, 3), lambda L, padding=padding: [L.Conv2DTranspose(6, 3, strides=2, padding=padding)])
    chain(f"conv1d_transpose_{padding}", (6, 3), lambda L, padding=padding: [L.Conv1DTranspose(4, 3, strides=2, padding=padding)])
chain("conv2d_dilated", (11, 10, 3), lambda L: [L.Conv2D(5, 3, dilation_rate=2)])
chain("conv2d_groups", (8, 8, 4), lambda L: [L.Conv2D(6, 3, groups=2, activation="tanh")])
chain("conv2d_open", (None, None, 3), lambda L: [L.Conv2D(6, 3, activation="relu", padding="same"), L.GlobalAveragePooling2D(), L.Dense(2)])
first("conv2d_first", (3, 8, 9), lambda L, order, axis: [L.Conv2D(5, 3, padding="same", activation="relu", **order)])
chain("conv2d_transpose_small_kernel", (5, 4, 3), lambda L: [L.Conv2DTranspose(6, 2, strides=(2, 3), padding="valid")])
chain("conv2d_transpose_output_padding", (5, 4, 3), lambda L: [L.Conv2DTranspose(6, 3, strides=2, output_padding=1, padding="same")])
chain("conv3d", (6, 5, 7, 2), lambda L: [L.Conv3D(4, 3, padding="same", activation="relu"), L.Conv3D(2, 2, strides=2)])
chain("conv3d_groups", (5, 5, 5, 4), lambda L: [L.Conv3D(6, 2, groups=2)])
chain("conv3d_transpose", (3, 4, 3, 2), lambda L: [L.Conv3DTranspose(3, 2, strides=2)])
chain("depthwise1d", (10, 3), lambda L: [L.DepthwiseConv1D(3, depth_multiplier=2)])
chain("depthwise2d", (9, 8, 3), lambda L: [L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")])
chain("depthwise2d_strides", (9, 9, 4), lambda L: [L.DepthwiseConv2D(3, strides=2)])
chain("separable1d", (10, 3), lambda L: [L.SeparableConv1D(5, 3)])
chain("separable2d", (9, 8, 3), lambda L: [L.SeparableConv2D(5, 3, padding="same", activation="relu")])
chain("conv_bn_relu", (8, 8, 3), lambda L: [L.Conv2D(6, 3, use_bias=False), L.BatchNormalization(), L.ReLU()])
chain("bn_relu_conv", (8, 8, 3), lambda L: [L.BatchNormalization(), L.ReLU(), L.Conv2D(6, 3)])

# --- pooling

for kind, shape in (("1D", (12, 3)), ("2D", (9, 8, 3)), ("3D", (6, 7, 5, 2))):
    for word in ("Max", "Average"):
        chain(f"{word.lower()}_pool{kind}", shape, lambda L, k=kind, w=word: [getattr(L, f"{w}Pooling{k}")(2)])
        chain(
            f"{word.lower()}_pool{kind}_same", shape, lambda L, k=kind, w=word: [getattr(L, f"{w}Pooling{k}")(3, strides=2, padding="same")]
        )
        chain(f"global_{word.lower()}_pool{kind}", shape, lambda L, k=kind, w=word: [getattr(L, f"Global{w}Pooling{k}")()])
chain("global_pool_keepdims", (6, 5, 3), lambda L: [L.GlobalAveragePooling2D(keepdims=True)])
first("max_pool2d_first", (3, 9, 8), lambda L, order, axis: [L.MaxPooling2D(2, **order)])

# --- channels first, which TensorFlow runs on a CPU with oneDNN, with XLA, or not at all

first(
    "first_1d", (3, 25),
    lambda L, order, axis: [
        L.Conv1D(8, 3, strides=2, padding="same", **order), L.BatchNormalization(axis=axis), L.MaxPooling1D(2, **order),
        L.Conv1DTranspose(5, 3, strides=2, padding="same", **order), L.SeparableConv1D(4, 3, **order), L.AveragePooling1D(2, **order),
    ], small=False,
)  # fmt: skip
first(
    "first_2d", (3, 17, 15),
    lambda L, order, axis: [
        L.Conv2D(8, 3, strides=(2, 1), padding="same", **order), L.BatchNormalization(axis=axis), L.ReLU(), L.AveragePooling2D(2, **order),
        L.DepthwiseConv2D(3, padding="same", **order), L.Conv2D(10, 2, groups=2, **order), L.SeparableConv2D(7, 2, **order),
        L.GlobalAveragePooling2D(**order),
    ], small=False,
)  # fmt: skip
first(
    "first_2d_transpose", (3, 5, 4),
    lambda L, order, axis: [
        L.Conv2DTranspose(6, 3, strides=2, **order), L.Conv2D(7, 3, dilation_rate=2, **order), L.UpSampling2D(2, **order),
        L.ZeroPadding2D(1, **order), L.Cropping2D(2, **order), L.GlobalMaxPooling2D(**order),
    ], small=False,
)  # fmt: skip
first(
    "first_3d", (2, 7, 9, 8),
    lambda L, order, axis: [
        L.Conv3D(6, 3, strides=2, padding="same", activation="relu", **order), L.Conv3DTranspose(3, 2, strides=2, **order),
        L.MaxPooling3D(2, **order), L.Conv3D(5, 2, **order), L.AveragePooling3D(2, padding="same", **order),
        L.GlobalAveragePooling3D(**order),
    ], small=False,
)  # fmt: skip

# --- normalisation

chain("bn_rank2", (9,), lambda L: [L.Dense(6), L.BatchNormalization(), L.Dense(2)])
chain("bn_axis1", (4, 5, 6), lambda L: [L.BatchNormalization(axis=1)])
chain("bn_plain", (4, 5, 6), lambda L: [L.BatchNormalization(scale=False, center=False, epsilon=1e-2)])
NORMALISED = {"operators": ["LayerNormalization"]}
chain("layer_norm", (4, 9), lambda L: [L.LayerNormalization(), L.Dense(3)], **NORMALISED)
chain("layer_norm_rank2", (9,), lambda L: [L.LayerNormalization(epsilon=1e-5)], **NORMALISED)
chain("layer_norm_axes", (4, 5, 6), lambda L: [L.LayerNormalization(axis=[1, 2, 3])], **NORMALISED)
chain("layer_norm_rank4", (4, 5, 6), lambda L: [L.LayerNormalization(axis=[-1, -2])], **NORMALISED)
chain("layer_norm_inner_axis", (4, 5, 6), lambda L: [L.LayerNormalization(axis=1)])
chain("layer_norm_no_scale", (4, 9), lambda L: [L.LayerNormalization(scale=False)], **NORMALISED)
chain("layer_norm_no_center", (4, 9), lambda L: [L.LayerNormalization(center=False)], **NORMALISED)
chain("group_norm", (4, 5, 6), lambda L: [L.GroupNormalization(groups=3)])
chain("group_norm_instance", (4, 5, 6), lambda L: [L.GroupNormalization(groups=-1)])
chain("unit_norm", (4, 9), lambda L: [L.UnitNormalization()])
chain("rms_norm", (4, 9), lambda L: [L.RMSNormalization()], since=(3, 9))
chain("spectral_norm", (9,), lambda L: [L.SpectralNormalization(L.Dense(4))])
chain("normalization", (4,), lambda L: [L.Normalization(mean=[0.5, 1, -2, 3], variance=[1, 2, 0.5, 4]), L.Dense(3, "relu")])

# --- shapes

chain("flatten_reshape", (4, 6), lambda L: [L.Flatten(), L.Dense(12), L.Reshape((3, -1)), L.Permute((2, 1))])
chain("repeat_vector", (4,), lambda L: [L.Dense(3), L.RepeatVector(5)])
chain("crop_pad_1d", (9, 3), lambda L: [L.ZeroPadding1D((2, 1)), L.Conv1D(4, 3), L.Cropping1D((1, 2))])
chain("crop_pad_2d", (9, 8, 3), lambda L: [L.ZeroPadding2D(((1, 2), (0, 3))), L.Conv2D(4, 3), L.Cropping2D(((1, 1), (2, 0)))])
chain("crop_pad_3d", (4, 5, 6, 2), lambda L: [L.ZeroPadding3D(1), L.Cropping3D(((1, 2), (0, 1), (2, 0)))])
chain("upsampling1d", (5, 3), lambda L: [L.UpSampling1D(2)])
chain("upsampling2d", (4, 5, 3), lambda L: [L.UpSampling2D((2, 3))])
chain("upsampling2d_bilinear", (4, 5, 3), lambda L: [L.UpSampling2D(2, interpolation="bilinear")])
chain("upsampling3d", (2, 3, 4, 2), lambda L: [L.UpSampling3D(2)])

# --- merging

PAIR = {"a": (4, 6), "b": (4, 6)}
for name in "Add Subtract Multiply Average Maximum Minimum Concatenate".split():
    graph(f"merge_{name.lower()}", PAIR, lambda L, a, b, name=name: L.Dense(3)(getattr(L, name)()([a, b])))
graph("merge_concat_axis1", PAIR, lambda L, a, b: L.Concatenate(axis=1)([a, b, a]))
graph("merge_broadcast", {"a": (4, 6), "b": (1, 6)}, lambda L, a, b: L.Add()([a, b]))
graph("merge_dot", PAIR, lambda L, a, b: L.Dot(axes=2)([a, b]))
graph("merge_dot_cosine", {"a": (6,), "b": (6,)}, lambda L, a, b: L.Dot(axes=1, normalize=True)([a, b]))

# --- preprocessing

chain("rescaling", (4, 4, 3), lambda L: [L.Rescaling(1 / 127.5, offset=-1), L.Conv2D(3, 2)])
chain("discretization", (5,), lambda L: [L.Discretization(bin_boundaries=[-1.0, 0.0, 0.5])])
chain("discretization_one_hot", (1,), lambda L: [L.Discretization(bin_boundaries=[-1.0, 0.0, 0.5], output_mode="one_hot")])
chain("category_multi_hot", Ids((3,), 6), lambda L: [L.CategoryEncoding(6, output_mode="multi_hot"), L.Dense(2)])
chain("category_one_hot", Ids((1,), 6), lambda L: [L.CategoryEncoding(6, output_mode="one_hot"), L.Dense(2)])
chain("resizing_bilinear", (6, 5, 3), lambda L: [L.Resizing(9, 8)])
chain("resizing_nearest", (6, 5, 3), lambda L: [L.Resizing(12, 10, interpolation="nearest")])
chain("center_crop", (8, 8, 3), lambda L: [L.CenterCrop(5, 6)])

# --- what cannot be converted

FOREIGN = {"refused": "no ONNX operators for these operators of TensorFlow"}
chain(
    "integer_lookup", Ids((3,), 9, "int64"), lambda L: [L.IntegerLookup(vocabulary=np.array([2, 4, 8]))],
    reason="a table of TensorFlow's: StaticHashTable has no counterpart in ONNX", **FOREIGN,
)  # fmt: skip
chain(
    "hashing",
    Ids((3,), 9, "int64"),
    lambda L: [L.Hashing(num_bins=5)],
    reason="the hash is of strings, which TensorFlow makes of numbers",
    **FOREIGN,
)
chain(
    "resizing_bicubic", (6, 5, 3), lambda L: [L.Resizing(9, 8, interpolation="bicubic")], refused="differ",
    reason="TensorFlow's cubic kernel is looked up in a table of 1024 points, and differs from ONNX's by 1e-3",
)  # fmt: skip
