"""SHA-1 of many short texts at once, and the ids made of it; the same digests as `spec.ids` makes one by one."""

import hashlib
import os
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.pipeline.sha1 import each

Digests = NDArray[np.uint8]  # n x 20
IS_FAST = find_spec("numba") is not None and not os.environ.get("PROFILES_SYNC_NO_NUMBA")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = np.frombuffer("".join(one + two for one in _ALPHABET for two in _ALPHABET).encode(), np.uint16)
_HEX_PAIRS = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)
_TWO, _FOUR = np.uint64(62**2), np.uint64(62**4)
_AT_ONCE = 8192  # digests; what is worked on stays in a core's cache


def sha1(texts: pa.StringArray, prefix: str = "") -> Digests:
    """The SHA-1 of `prefix` followed by each text, none of which is null."""
    begin = np.frombuffer(prefix.encode(), np.uint8)
    out = np.empty((len(texts), 20), np.uint8)
    if IS_FAST:
        offsets, data = bytes_of(texts)
        each(begin, data, offsets, out)
        return out
    for place, text in enumerate(texts.to_pylist()):
        digest = hashlib.sha1(prefix.encode() + text.encode(), usedforsecurity=False).digest()
        out[place] = np.frombuffer(digest, np.uint8)
    return out


def bytes_of(texts: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text begins, and the last one ends, in the bytes of all."""
    _, offsets, data = texts.buffers()
    at = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    return at, np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)


def halves(digests: Digests) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first 128 bits of each digest as two signed numbers."""
    numbers = np.ascontiguousarray(digests[:, :16]).view(">i8").astype(np.int64)
    return np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1])


def hexadecimal(digests: Digests) -> pa.StringArray:
    """Each digest as 40 digits."""
    return fixed(_HEX_PAIRS[digests].view(np.uint8))


def external_id_hashes(kinds: pa.StringArray, values: pa.StringArray) -> pa.StringArray:
    """As `spec.ids.external_id_hash` for each type and value; null where they are."""
    texts = pc.binary_join_element_wise(kinds, values, "")
    made = hexadecimal(sha1(texts.fill_null("")))
    return pc.if_else(texts.is_valid(), made, None) if texts.null_count else made


def segment_ids(digests: Digests) -> pa.StringArray:
    """Each digest as a segment_id: `use_` and 27 base-62 characters, as `spec.ids.segment_id`."""
    characters = np.empty((len(digests), 32), np.uint8)  # the first one is not shown
    pairs = characters.view(np.uint16)
    for first in range(0, len(digests), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        limbs = np.ascontiguousarray(digests[some].view(">u4").T).astype(np.uint64)  # 5 of 32 bits, the highest first
        for place in range(14, 1, -2):  # four characters at a time
            rest = np.zeros(limbs.shape[1], np.uint64)
            for limb in limbs:
                rest = (rest << np.uint64(32)) | limb
                limb[:] = rest // _FOUR
                rest -= limb * _FOUR
            high = rest // _TWO
            pairs[some, place], pairs[some, place + 1] = _PAIRS[high], _PAIRS[rest - high * _TWO]
    characters[:, 1:5] = np.frombuffer(b"use_", np.uint8)
    return fixed(np.ascontiguousarray(characters[:, 1:]))


def fixed(characters: NDArray[np.uint8]) -> pa.StringArray:
    """A text of each row of characters."""
    offsets = np.arange(len(characters) + 1, dtype=np.int64) * characters.shape[1]
    return pa.StringArray.from_buffers(
        len(characters), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(characters))
    )
