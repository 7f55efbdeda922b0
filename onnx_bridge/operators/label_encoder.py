"""LabelEncoder of ai.onnx.ml."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType, float32, float64, int16, int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.texts import table
from onnx_bridge.operators.cases import case, data, given

_KINDS: dict[str, DType] = {"int64s": int64, "floats": float32, "strings": string}


@operator("LabelEncoder", domain="ai.onnx.ml", since=1)
class LabelEncoder(ROperator):
    """y = the value of each key, or the default for what is no key. Keys and values are strings or numbers; from opset 4 on NaN is one.

    Opset 1 has a list of strings, of which the places are the values, or the keys where x is integers. Of keys that are given twice the
    first counts.
    """

    kernels = ("text.hxx",)
    computes = ((string, int64, float32, float64, int16),)

    classes_strings: list[str] | None = attribute(None)
    keys_floats: list[float] | None = attribute(None)
    keys_int64s: list[int] | None = attribute(None)
    keys_strings: list[str] | None = attribute(None)
    keys_tensor: Any = attribute(None)
    values_floats: list[float] | None = attribute(None)
    values_int64s: list[int] | None = attribute(None)
    values_strings: list[str] | None = attribute(None)
    values_tensor: Any = attribute(None)
    default_float: float = attribute(-0.0)
    default_int64: int = attribute(-1)
    default_string: str = attribute("_Unused")
    default_tensor: Any = attribute(None)

    def types(self, x: Tensor) -> Type:
        keys, values, _ = self.mapping(x.dtype)
        if keys[0] is not x.dtype:
            raise ShapeError(f"the keys are {keys[0]}, x is {x.type}")
        if len(keys[1]) != len(values[1]):
            raise ShapeError(f"{len(keys[1])} keys and {len(values[1])} values are given")
        return Type(values[0], x.shape)

    def mapping(self, dtype: DType) -> tuple[tuple[DType, list[Any]], tuple[DType, list[Any]], Any]:
        """Keys and values, each with their type, and the default."""
        if self.classes_strings is not None:
            places, names = (int64, list(range(len(self.classes_strings)))), (string, list(self.classes_strings))
            return (names, places, self.default_int64) if dtype is string else (places, names, self.default_string)
        keys, values = self.listed("keys"), self.listed("values")
        default = self.default_tensor
        if default is not None:
            if np.size(default) != 1 or _type_of(default) is not values[0]:
                raise ShapeError(f"default_tensor must be one {values[0]}")
            return keys, values, np.reshape(default, -1).tolist()[0]
        of_kind = {int64: self.default_int64, float32: self.default_float, string: self.default_string}
        return keys, values, of_kind.get(values[0], -1 if values[0].is_integer else -0.0)

    def listed(self, what: str) -> tuple[DType, list[Any]]:
        """The keys or the values, in the one form in which they are given."""
        given = [(kind, value) for kind in (*_KINDS, "tensor") if (value := getattr(self, f"{what}_{kind}")) is not None]
        if len(given) != 1:
            raise ShapeError(f"{what} must be given in one form, got {len(given)}")
        kind, value = given[0]
        if kind == "tensor":
            return _type_of(value), np.reshape(value, -1).tolist()
        return _KINDS[kind], list(value)

    def emit(self, cpp: Writer) -> None:
        (key_type, keys), (value_type, values), default = self.mapping(self.x.dtype)
        first = dict[Any, Any]()
        for key, value in zip(keys, values, strict=True):
            if self.opset >= 4 or key == key:  # NaN is found from then on
                first.setdefault(_same_key(key), (key, value))
        pairs = sorted(first.values(), key=lambda pair: _order(pair[0]))
        name = self.title()
        known = self.numbers(cpp, f"{name} keys", key_type, [key for key, _ in pairs], len(pairs))
        made = self.numbers(cpp, f"{name} values", value_type, [*(value for _, value in pairs), default], len(pairs) + 1)
        cpp.call("encode_labels", self.x.count, known, made, len(pairs), self.x, self.y)

    @staticmethod
    def numbers(cpp: Writer, name: str, dtype: DType, values: Sequence[Any], count: int) -> str:
        """A table of the kernel."""
        if dtype is string:
            return table(cpp, name, values)
        return f"NumberTable<{dtype.storage}>{{{cpp.weight(name, np.array(values or [0], dtype.numpy))}, {count}}}"

    cases = (
        case(x=given(["a", "b", "d", ""], "str"), opset=2, attributes={"keys_strings": ["b", "a", ""], "values_int64s": [5, 3, 7]}),
        case(
            x=data("N", 3, dtype="int64", low=0, high=4), opset=2,
            attributes={"keys_int64s": [0, 3, 1], "values_strings": ["zero", "three", "one"], "default_string": "?"},
        ),
        case(x=data("N", 2, dtype="str"), opset=2, attributes={"keys_strings": ["a", "b"], "values_strings": ["x", "y"]}),
        *(
            case(
                x=given([0.5, np.nan, -0.0, 2.0]), opset=opset,
                attributes={"keys_floats": [2.0, 0.0, float("nan")], "values_floats": [1.0, 2.0, 3.0], "default_float": -7.0},
            )
            for opset in (2, 4)
        ),
        case(
            x=given(["a", "b"], "str"), opset=4,
            attributes={
                "keys_tensor": np.array(["b", "c"], object), "values_tensor": np.array([2, 3], np.int16),
                "default_tensor": np.array([-9], np.int16),
            },
        ),
        case(x=given(["x", "y", "z"], "str"), opset=1, attributes={"classes_strings": ["y", "x"], "default_int64": 9}),
        case(x=data(5, dtype="int64", low=-1, high=3), opset=1, attributes={"classes_strings": ["y", "x"]}),
    )  # fmt: skip


def _type_of(array: Any) -> DType:
    kind = np.asarray(array).dtype
    if kind.kind in "OUS":
        return string
    if kind.name not in dtypes.BY_NAME:
        raise ShapeError(f"a tensor of {kind} is none of keys or values")
    return dtypes.BY_NAME[kind.name]


def _same_key(key: Any) -> Any:
    """What is the same for keys that are equal: NaN is equal to itself."""
    return "nan" if isinstance(key, float) and key != key else (key,)


def _order(key: Any) -> Any:
    """By what the kernel looks keys up: strings by their bytes, NaN last."""
    if isinstance(key, float):
        return (key != key, 0.0 if key != key else key)
    return key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key
