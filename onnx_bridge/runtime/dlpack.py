"""Arrays of others by DLPack, read and written in place: numpy's own reader, and what it has not: capsules, and types that it lacks.

A capsule is looked at, not consumed: whoever made it still owns the memory, and the array that is made of it keeps the capsule.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Any

import numpy as np

from onnx_bridge.processes.messages import short_float

#: DLPack's numbers of devices whose memory this processor reads: its own, and its own as CUDA and ROCm pin it.
HERE = (1, 3, 11)

_PLAIN = {0: "int", 1: "uint", 2: "float", 5: "complex"}
#: DLPack's codes of types that ml_dtypes has.
_OTHERS = {
    4: "bfloat16", 8: "float8_e4m3", 10: "float8_e4m3fn", 11: "float8_e4m3fnuz", 12: "float8_e5m2", 13: "float8_e5m2fnuz",
    14: "float8_e8m0fnu",
}  # fmt: skip
_READ_ONLY = 1


class _Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("device", ctypes.c_int32), ("device_id", ctypes.c_int32), ("rank", ctypes.c_int32),
        ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)), ("offset", ctypes.c_uint64),
    )  # fmt: skip


class _Versioned(ctypes.Structure):
    """DLManagedTensorVersioned."""

    _fields_ = (
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64), ("tensor", _Tensor),
    )  # fmt: skip


def speaks(value: Any) -> bool:
    """Whether a value is anybody's array that is read by DLPack; arrays of numpy are read as they are."""
    if isinstance(value, (np.ndarray, np.generic)):
        return False
    return hasattr(type(value), "__dlpack__") or _name(value) is not None


def device_of(value: Any) -> int:
    """DLPack's number of the device on which a value lies; that of this processor where it does not say."""
    if (name := _name(value)) is not None:
        return int(_opened(value, name)[0].device)
    with suppress(Exception):
        return int(value.__dlpack_device__()[0])
    return HERE[0]


def array(value: Any) -> np.ndarray:
    """An array on the memory of a value that `speaks`.

    Raises:
        Exception: whatever its owner or numpy raises; BufferError, where the memory is elsewhere or of a type that nobody here has.
    """
    if _name(value) is not None:
        return _array(value)
    try:
        return np.from_dlpack(value)
    except Exception:  # a type that numpy's reader has not?
        if device_of(value) not in HERE:
            raise
        return _array(_capsule(value))


def _capsule(value: Any) -> Any:
    """The capsule of a value, of the newest kind that it has."""
    try:
        return value.__dlpack__(max_version=(1, 0))
    except TypeError:  # from before there were versions
        return value.__dlpack__()


_get_name, _get_pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
_get_name.restype, _get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_get_pointer.restype, _get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def _name(value: Any) -> bytes | None:
    """The name of a capsule of DLPack; None for whatever else."""
    if type(value).__name__ != "PyCapsule":
        return None
    name: bytes = _get_name(value) or b""
    return name if name.startswith((b"dltensor", b"used_dltensor")) else None


def _opened(capsule: Any, name: bytes) -> tuple[_Tensor, int]:
    """What a capsule holds, and its flags."""
    if name.startswith(b"used"):
        raise BufferError("the capsule has been used already")
    address = _get_pointer(capsule, name)
    if name == b"dltensor":
        return _Tensor.from_address(address), 0
    versioned = _Versioned.from_address(address)
    if versioned.major != 1:
        raise BufferError(f"DLPack {versioned.major}.{versioned.minor} is not known")
    return versioned.tensor, versioned.flags


def _array(capsule: Any) -> np.ndarray:
    """An array on a capsule's memory."""
    tensor, flags = _opened(capsule, _name(capsule) or b"")
    if tensor.device not in HERE:
        raise BufferError(f"the memory is on another device, DLPack's number {tensor.device}")
    dtype = _dtype(tensor)
    shape = tuple(tensor.shape[: tensor.rank])
    strides = tuple(dtype.itemsize * step for step in tensor.strides[: tensor.rank]) if tensor.strides else None
    if 0 in shape or not tensor.data:
        return np.empty(shape, dtype)
    count = np.prod(shape, dtype=np.int64) if strides is None else 0
    reach = [(size - 1) * step for size, step in zip(shape, strides or (), strict=False)]
    if any(step < 0 for step in reach):
        raise BufferError("steps of DLPack are not negative")
    bytes_ = int(count) * dtype.itemsize if strides is None else sum(reach) + dtype.itemsize
    memory: Any = (ctypes.c_char * bytes_).from_address(tensor.data + tensor.offset)
    memory.owner = capsule  # the array keeps the memory, and this what it belongs to
    made: np.ndarray = np.ndarray(shape, dtype, memory, strides=strides)
    if flags & _READ_ONLY:
        made.flags.writeable = False
    return made


def _dtype(tensor: _Tensor) -> np.dtype[Any]:
    code, bits = tensor.code, tensor.bits
    if tensor.lanes == 1:
        with suppress(TypeError, AttributeError):
            if code in _PLAIN:
                return np.dtype(f"{_PLAIN[code]}{bits}")
            if code == 6 and bits == 8:
                return np.dtype(np.bool_)
            if code in _OTHERS:
                return short_float(_OTHERS[code])
    raise BufferError(f"DLPack's type of code {code} with {bits} bits and {tensor.lanes} lanes is not known")
