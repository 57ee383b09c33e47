"""SHA-1 of many texts at once: what is done for one is done for 32 beside it, with the processor's vectors.

A round reads the five words before it and writes one, so the words of all rounds stand behind each other, each as one
row of lanes; those that SHA-1 turns on their way are turned where they are read. All numbers are cast again and again
because numba makes 64 bits of every sum of two that have 32.
Source: FIPS 180-4, section 6.1.
"""

import numpy as np
from numpy import uint32 as u32

from profiles_sync.pipeline.compiled import compiled, step

_LANES = 32
_START = np.array([0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0], np.uint32)


@compiled
def each(prefix, data, offsets, out):
    """The digest of `prefix` and each text in `data`, which `offsets` tells apart, into the rows of `out`."""
    padded, blocks = np.empty((_LANES, 4 * 64), np.uint8), np.zeros(_LANES, np.int64)
    words, rounds = np.empty(80 * _LANES, np.uint32), np.empty(85 * _LANES, np.uint32)
    state = np.empty((5, _LANES), np.uint32)
    for first in range(0, len(offsets) - 1, _LANES):
        texts, most = min(_LANES, len(offsets) - 1 - first), 0
        for lane in range(texts):
            size = len(prefix) + offsets[first + lane + 1] - offsets[first + lane]
            blocks[lane] = (size + 8) // 64 + 1
            most = max(most, blocks[lane])
        if most * 64 > padded.shape[1]:
            padded = np.empty((_LANES, most * 64), np.uint8)
        for lane in range(texts):
            text = data[offsets[first + lane] : offsets[first + lane + 1]]
            _pad(prefix, text, padded[lane, : blocks[lane] * 64])
            state[:, lane] = _START
        for block in range(most):
            _take(padded, block, texts, words)
            _compress(words, rounds, state)
            _add(rounds, block, blocks, texts, state)
        for lane in range(texts):
            for place in range(20):
                out[first + lane, place] = (state[place // 4, lane] >> u32(24 - 8 * (place % 4))) & u32(255)


@compiled
def _pad(prefix, text, padded):
    """The message as SHA-1 takes it: a bit behind the text, and its length at the end of the last block."""
    end = len(prefix) + len(text)
    padded[: len(prefix)] = prefix
    padded[len(prefix) : end] = text
    padded[end] = 128
    padded[end + 1 :] = 0
    for place in range(8):
        padded[len(padded) - 1 - place] = ((end * 8) >> (8 * place)) & 255


@compiled
def _take(padded, block, texts, words):
    """The 16 words of a block of each text; of a text that has ended they do not matter."""
    for lane in range(texts):
        for word in range(16):
            at = block * 64 + word * 4
            high = (u32(padded[lane, at]) << u32(24)) | (u32(padded[lane, at + 1]) << u32(16))
            words[word * _LANES + lane] = high | (u32(padded[lane, at + 2]) << u32(8)) | u32(padded[lane, at + 3])


@compiled
def _compress(words, rounds, state):
    """The 80 rounds of a block."""
    for at in range(16 * _LANES, 80 * _LANES):
        earlier = u32(words[at - 3 * _LANES] ^ words[at - 8 * _LANES])
        words[at] = _turned(u32(earlier ^ u32(words[at - 14 * _LANES] ^ words[at - 16 * _LANES])), 1)
    for lane in range(_LANES):
        rounds[4 * _LANES + lane], rounds[3 * _LANES + lane] = state[0, lane], state[1, lane]
        for place in range(3):  # turned back, because they are turned where they are read
            rounds[place * _LANES + lane] = _turned(state[4 - place, lane], 2)
    for number in range(80):
        first = number * _LANES
        if number < 20:
            for at in range(first, first + _LANES):
                b, c, d = _bcd(rounds, at)
                _round(rounds, words, at, u32(u32(b & c) | u32(~b & d)), u32(0x5A827999))
        elif 40 <= number < 60:
            for at in range(first, first + _LANES):
                b, c, d = _bcd(rounds, at)
                _round(rounds, words, at, u32(u32(b & c) | u32(d & u32(b | c))), u32(0x8F1BBCDC))
        else:
            constant = u32(0x6ED9EBA1) if number < 40 else u32(0xCA62C1D6)
            for at in range(first, first + _LANES):
                b, c, d = _bcd(rounds, at)
                _round(rounds, words, at, u32(u32(b ^ c) ^ d), constant)


@step
def _turned(word, by):
    return u32(u32(word << u32(by)) | u32(word >> u32(32 - by)))


@step
def _bcd(rounds, at):
    return (
        rounds[at + 3 * _LANES],
        _turned(rounds[at + 2 * _LANES], 30),
        _turned(rounds[at + _LANES], 30),
    )


@step
def _round(rounds, words, at, mixed, constant):
    a, e = rounds[at + 4 * _LANES], _turned(rounds[at], 30)
    rounds[at + 5 * _LANES] = u32(u32(u32(_turned(a, 5) + mixed) + u32(e + words[at])) + constant)


@compiled
def _add(rounds, block, blocks, texts, state):
    """Add what the block came to, for the texts that have so many."""
    for lane in range(texts):
        if block < blocks[lane]:
            state[0, lane] += rounds[84 * _LANES + lane]
            state[1, lane] += rounds[83 * _LANES + lane]
            for place in range(3):
                state[2 + place, lane] += _turned(rounds[(82 - place) * _LANES + lane], 30)
