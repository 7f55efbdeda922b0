"""Values as C++ literals that read back as exactly the same bits."""

from __future__ import annotations

import math

import numpy as np

from onnx_bridge.ir.dtypes import DType, bool_, float32, int64


def literal(value: object, dtype: DType) -> str:
    """A number as a C++ literal of a type's compute type.

    Floats are written in the shortest decimal form that reads back exactly; infinities and NaN by builtins, because
    literals cannot spell them.
    """
    if dtype is bool_:
        return "true" if value else "false"
    if dtype.is_float:
        suffix = "f" if dtype.compute == "float" else ""
        number = float(np.asarray(value, dtype=np.float64))
        if math.isnan(number):
            return f'__builtin_nan{suffix}("")'
        if math.isinf(number):
            return f"{'-' if number < 0 else ''}__builtin_inf{suffix}()"
        text = str(np.float32(number)) if dtype is float32 or suffix else repr(number)
        return (text if any(mark in text for mark in ".e") else text + ".0") + suffix
    number_text = str(int(np.asarray(value)))
    if dtype is int64:
        # The most negative value has no literal of its own.
        return "INT64_MIN" if number_text == "-9223372036854775808" else f"std::int64_t{{{number_text}}}"
    if dtype.name == "uint64":
        return f"std::uint64_t{{{number_text}u}}"
    if number_text == "-2147483648":
        return "INT32_MIN"
    return f"{dtype.compute}{{{number_text}{'u' if dtype.name == 'uint32' else ''}}}"
