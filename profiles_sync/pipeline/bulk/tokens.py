"""A block of JSON lines to tokens: one per scalar, array and empty object, with its line, its path and its bytes.

A line is taken only if it is valid JSON of the common shapes; any other is marked odd and left to `spec.events`. To
be strict is safe here: an odd line costs time, never a value. Odd are, beside broken ones: keys with escapes or given
twice, U+0000, whole numbers of more than 18 digits, exponents of three digits, nesting beyond 32 levels.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.pipeline.bulk.scanner import FOREIGN, NODES, ODD, SLOTS, scan

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """Tokens in the order of the text; beside each other. An OBJECT token stands for a top-level object as a whole."""

    line: NDArray[np.int32]
    node: NDArray[np.int32]
    kind: NDArray[np.uint8]
    start: NDArray[np.int32]  # without the quotes of a text
    stop: NDArray[np.int32]


@dataclass(frozen=True)
class Block:
    """A block of whole lines: its bytes, its lines that are not blank, and the tokens of the plain ones.

    `paths` are the keys from the top to each node.
    """

    data: Bytes
    line_start: NDArray[np.int32]
    line_stop: NDArray[np.int32]
    line_number: NDArray[np.int32]  # from 0, blank lines counted
    state: NDArray[np.uint8]
    tokens: Tokens
    paths: list[tuple[str, ...]]

    def text(self, line: int) -> bytes:
        """A line without its end."""
        return self.data[self.line_start[line] : self.line_stop[line]].tobytes()


def tokenize(text: bytes) -> Block:
    """Take the lines of `text` apart.

    Args:
        text: Whole lines, less than 2 GB; the last needs no end.
    """
    data = np.frombuffer(text + b"\n", np.uint8)
    lines = int(np.count_nonzero(data == 10))
    most = int(np.count_nonzero(data == 58)) + 1  # a token follows a colon
    tokens = Tokens(*_two(most), np.empty(most, np.uint8), *_two(most))
    begins, ends, at, state = *_two(lines), np.empty(lines, np.int32), np.empty(lines, np.uint8)
    nodes = np.zeros((4, NODES), np.int64)  # parent, hash, start and stop of the key
    slots = np.zeros(SLOTS, np.int32)
    arrays = (data, nodes, slots, *_columns(tokens), begins, ends, at, state)
    count, found, made = scan(*arrays)
    cut = Tokens(*(column[:count] for column in _columns(tokens)))
    paths = _paths(data, nodes, made)
    return _checked(Block(data, begins[:found], ends[:found], at[:found], state[:found], cut, paths))


def _two(size: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return np.empty(size, np.int32), np.empty(size, np.int32)


def _columns(tokens: Tokens) -> tuple[Any, ...]:
    return tokens.line, tokens.node, tokens.kind, tokens.start, tokens.stop


def _paths(data: Bytes, nodes: Numbers, made: int) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = [()]
    for node in range(1, made):
        key = data[nodes[2, node] : nodes[3, node]].tobytes().decode("utf-8", "replace")
        paths.append((*paths[nodes[0, node]], key))
    return paths


def _checked(block: Block) -> Block:
    """Lines with bytes beyond ASCII that are no UTF-8 are odd: the whole block is checked at once first."""
    foreign = np.flatnonzero(block.state == FOREIGN)
    if len(foreign) and not _is_utf8(block.data):
        for line in foreign.tolist():
            try:
                block.text(line).decode()
            except UnicodeDecodeError:
                block.state[line] = ODD
        kept = block.state[block.tokens.line] != ODD
        return replace(block, tokens=Tokens(*(column[kept] for column in _columns(block.tokens))))
    return block


def _is_utf8(data: Bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
