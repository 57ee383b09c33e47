"""Deletion vectors inside the log: which rows of a data file are gone, as a few bytes of text.

Source: Delta Lake protocol, sections "Deletion Vector Descriptor Schema" and "Deletion Vector Format".
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap64

_MAGIC = struct.pack("<i", 1681511377)  # a 64-bit Roaring bitmap in its portable form
_INLINE = "i"
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_DIGITS = np.frombuffer(_Z85, np.uint8)
_VALUES = np.zeros(256, np.uint64)
_VALUES[_DIGITS] = np.arange(85)
_POWERS = 85 ** np.arange(4, -1, -1, dtype=np.uint64)


def is_readable(descriptor: Mapping[str, Any] | None) -> bool:
    """Whether the vector stands in the log; one in a file of its own was written by somebody else."""
    return descriptor is None or descriptor["storageType"] == _INLINE


def decoded(descriptor: Mapping[str, Any] | None) -> BitMap64:
    """The rows of a file that are gone."""
    if descriptor is None:
        return BitMap64()
    data = _from_z85(descriptor["pathOrInlineDv"])[: descriptor["sizeInBytes"]]
    return BitMap64.deserialize(data.removeprefix(_MAGIC))


def encoded(rows: BitMap64) -> dict[str, Any]:
    """The vector as a file's entry in the log has it."""
    data = _MAGIC + rows.serialize()
    return {
        "storageType": _INLINE,
        "pathOrInlineDv": _to_z85(data),
        "sizeInBytes": len(data),
        "cardinality": len(rows),
    }


def _to_z85(data: bytes) -> str:
    words = np.frombuffer(data + b"\0" * (-len(data) % 4), ">u4").astype(np.uint64)
    digits: NDArray[np.uint64] = words[:, None] // _POWERS % np.uint64(85)
    return _DIGITS[digits.astype(np.uint8)].tobytes().decode()


def _from_z85(text: str) -> bytes:
    digits = _VALUES[np.frombuffer(text.encode(), np.uint8)].reshape(-1, 5)
    return bytes((digits * _POWERS).sum(axis=1, dtype=np.uint64).astype(">u4").tobytes())
