"""SHA-1 of many short texts at once, and the ids made of it; the same digests as `spec.ids` makes one by one."""

import hashlib
import os
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from profiles_sync.pipeline.compiled import compiled

Digests = NDArray[np.uint8]  # n x 20
IS_FAST = find_spec("numba") is not None and not os.environ.get("PROFILES_SYNC_NO_NUMBA")
_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def sha1(texts: pa.StringArray, prefix: str = "") -> Digests:
    """The SHA-1 of `prefix` followed by each text, none of which is null."""
    begin = np.frombuffer(prefix.encode(), np.uint8)
    out = np.empty((len(texts), 20), np.uint8)
    if IS_FAST:
        offsets, data = bytes_of(texts)
        _sha1_each(begin, data, offsets, out)
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
    digits = np.empty((len(digests), 40), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _HEX[digests >> 4], _HEX[digests & 15]
    return _fixed(digits)


def external_id_hashes(kinds: pa.StringArray, values: pa.StringArray) -> pa.StringArray:
    """As `spec.ids.external_id_hash` for each type and value; null where they are."""
    texts = pc.binary_join_element_wise(kinds, values, "")
    made = hexadecimal(sha1(texts.fill_null("")))
    return pc.if_else(texts.is_valid(), made, None) if texts.null_count else made


def segment_ids(digests: Digests) -> pa.StringArray:
    """Each digest as a segment_id: `use_` and 27 base-62 characters, as `spec.ids.segment_id`."""
    characters = np.empty((len(digests), 31), np.uint8)
    characters[:, :4] = np.frombuffer(b"use_", np.uint8)
    limbs = np.ascontiguousarray(digests).view(">u4").astype(np.uint64)  # 5 limbs of 32 bits, the highest first
    for place in range(30, 3, -1):
        rest = np.zeros(len(digests), np.uint64)
        for limb in range(5):
            rest = (rest << np.uint64(32)) | limbs[:, limb]
            limbs[:, limb], rest = rest // np.uint64(62), rest % np.uint64(62)
        characters[:, place] = _ALPHABET[rest.astype(np.int64)]
    return _fixed(characters)


def _fixed(characters: NDArray[np.uint8]) -> pa.StringArray:
    """Rows of bytes as texts."""
    count, width = characters.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters)))


@compiled
def _sha1_each(prefix, data, offsets, out):
    words = np.empty(80, np.uint32)
    block = np.empty(64, np.uint8)
    for text in range(len(offsets) - 1):
        begin = offsets[text]
        size = len(prefix) + offsets[text + 1] - begin
        a0, b0, c0 = np.uint32(0x67452301), np.uint32(0xEFCDAB89), np.uint32(0x98BADCFE)
        d0, e0 = np.uint32(0x10325476), np.uint32(0xC3D2E1F0)
        at, blocks = 0, (size + 8) // 64 + 1
        for number in range(blocks):
            for place in range(64):
                if at < len(prefix):
                    block[place] = prefix[at]
                elif at < size:
                    block[place] = data[begin + at - len(prefix)]
                else:
                    block[place] = 128 if at == size else 0
                at += 1
            if number == blocks - 1:
                bits = size * 8
                for place in range(8):
                    block[63 - place] = (bits >> (8 * place)) & 255
            for word in range(16):
                words[word] = (
                    (np.uint32(block[word * 4]) << np.uint32(24))
                    | (np.uint32(block[word * 4 + 1]) << np.uint32(16))
                    | (np.uint32(block[word * 4 + 2]) << np.uint32(8))
                    | np.uint32(block[word * 4 + 3])
                )
            for word in range(16, 80):
                mixed = words[word - 3] ^ words[word - 8] ^ words[word - 14] ^ words[word - 16]
                words[word] = (mixed << np.uint32(1)) | (mixed >> np.uint32(31))
            a, b, c, d, e = a0, b0, c0, d0, e0
            for word in range(80):
                if word < 20:
                    f, k = (b & c) | (~b & d), np.uint32(0x5A827999)
                elif word < 40:
                    f, k = b ^ c ^ d, np.uint32(0x6ED9EBA1)
                elif word < 60:
                    f, k = (b & c) | (b & d) | (c & d), np.uint32(0x8F1BBCDC)
                else:
                    f, k = b ^ c ^ d, np.uint32(0xCA62C1D6)
                turned = (a << np.uint32(5)) | (a >> np.uint32(27))
                sum_ = np.uint32(turned + f + e + k + words[word])
                e, d, c = d, c, (b << np.uint32(30)) | (b >> np.uint32(2))
                b, a = a, sum_
            a0, b0, c0 = np.uint32(a0 + a), np.uint32(b0 + b), np.uint32(c0 + c)
            d0, e0 = np.uint32(d0 + d), np.uint32(e0 + e)
        for place, part in enumerate((a0, b0, c0, d0, e0)):
            for byte in range(4):
                out[text, place * 4 + byte] = (part >> np.uint32(24 - 8 * byte)) & np.uint32(255)
