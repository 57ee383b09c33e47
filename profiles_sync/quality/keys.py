"""The keys of some rows in two numbers, which a warehouse can work out as well: how many, and a sum of their hashes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

try:
    # Python's own, which begins a digest much sooner than OpenSSL's.
    from _md5 import md5  # type: ignore[import-not-found]
except ImportError:
    md5 = partial(hashlib.md5, usedforsecurity=False)

BETWEEN = "\x1f"  # a key's columns


@dataclass(frozen=True)
class Keys:
    """Distinct keys.

    Attributes:
        count: How many.
        total: The sum of the first 32 bits of the MD5 of each, its columns joined by `BETWEEN`.
    """

    count: int
    total: int

    @classmethod
    def of(cls, rows: pa.Table, key: Sequence[str]) -> "Keys":
        """Those of rows; a row without a key has none."""
        texts = pc.drop_null(pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in key), BETWEEN))
        if pc.count_distinct(texts).as_py() != len(texts):  # to tell is cheaper than to collect
            texts = pc.unique(texts)
        made = [md5(text).digest() for text in texts.cast(pa.binary()).to_pylist()]
        digests = np.frombuffer(b"".join(made), ">u4")
        return cls(len(made), int(digests[::4].sum(dtype=np.int64)))
