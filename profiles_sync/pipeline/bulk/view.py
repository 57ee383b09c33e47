"""A block's tokens by path."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from profiles_sync.pipeline.bulk import gather
from profiles_sync.pipeline.bulk.scanner import ARRAY, ESCAPED, FALSE, LOOSE_ARRAY, NULL, TEXT, TRUE
from profiles_sync.pipeline.bulk.tokens import Block, tokenize

Indices = NDArray[np.int64]
Path = tuple[str, ...]
_STRINGS = (TEXT, ESCAPED)


class View:
    """A block with its tokens sorted by path. `start` and `stop` lie in `data`, see `gather.plain_bytes`."""

    def __init__(self, text: bytes) -> None:
        self.block: Block = tokenize(text)
        self.data, self.start, self.stop = gather.plain_bytes(self.block)
        tokens = self.block.tokens
        self.line, self.kind = tokens.line, tokens.kind
        self._order = np.argsort(tokens.node.astype(np.int16), kind="stable")
        counts = np.bincount(tokens.node, minlength=len(self.block.paths))
        self._ends = np.cumsum(counts)
        self._nodes = {path: node for node, path in enumerate(self.block.paths)}
        self.lines = len(self.block.state)

    def at(self, *path: str) -> Indices:
        """The tokens at a path, in the order of the lines."""
        node = self._nodes.get(path)
        return self._of(node) if node is not None else np.empty(0, np.int64)

    def below(self, top: str, without: Iterable[str] = ()) -> dict[Path, Indices]:
        """The tokens at every path below a top-level key, keyed by what follows it; a null is among them."""
        left_out = set(without)
        found = {}
        for path, node in self._nodes.items():
            if len(path) > 1 and path[0] == top and path[1] not in left_out and len(tokens := self._of(node)):
                found[path[1:]] = tokens
        return found

    def _of(self, node: int) -> Indices:
        end = self._ends[node]
        begin = self._ends[node - 1] if node else 0
        return self._order[begin:end]

    def strings(self, tokens: Indices) -> Indices:
        """Those of the tokens that are texts."""
        return tokens[np.isin(self.kind[tokens], _STRINGS)]

    def texts(self, tokens: Indices, places: Indices | None = None, size: int | None = None) -> pa.StringArray:
        """The tokens' texts, beside the tokens or at their places."""
        at = np.arange(len(tokens)) if places is None else places
        return gather.texts(self.data, self.start[tokens], self.stop[tokens], at, len(tokens) if size is None else size)

    def per_line(self, tokens: Indices) -> pa.StringArray:
        """The tokens' texts by line, null where a line has none."""
        return self.texts(tokens, self.line[tokens].astype(np.int64), self.lines)

    def value(self, token: int) -> str | int | float | bool | None:
        """What one token means; an array is its text."""
        kind = self.kind[token]
        if kind in (TRUE, FALSE):
            return bool(kind == TRUE)
        if kind == NULL:
            return None
        text = self.data[self.start[token] : self.stop[token]].tobytes().decode()
        if kind in (TEXT, ESCAPED, ARRAY, LOOSE_ARRAY):
            return text
        return float(text) if "." in text or "e" in text or "E" in text else int(text)
