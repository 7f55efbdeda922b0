"""The post_transform of ai.onnx.ml's classifiers and regressors: post_transform.hxx by ONNX's names."""

from __future__ import annotations

from onnx_bridge.ir.tensor import ShapeError

_FUNCTORS = {
    "NONE": "PostNone", "LOGISTIC": "PostLogistic", "SOFTMAX": "PostSoftmax", "SOFTMAX_ZERO": "PostSoftmaxZero", "PROBIT": "PostProbit",
}  # fmt: skip

TRANSFORMS = tuple(_FUNCTORS)


def functor(transform: str) -> str:
    """What post_transform.hxx calls it.

    Raises:
        ShapeError: ONNX has no such transform.
    """
    if transform not in _FUNCTORS:
        raise ShapeError(f"post_transform must be one of {', '.join(_FUNCTORS)}, got {transform!r:.40}")
    return _FUNCTORS[transform]
