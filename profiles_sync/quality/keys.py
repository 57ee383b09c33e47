"""The keys of some rows in two numbers, which a warehouse can work out as well: how many, and a sum of their hashes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
        texts = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in key), BETWEEN)
        distinct = pc.drop_null(pc.unique(texts)).cast(pa.binary()).to_pylist()
        md5 = partial(hashlib.md5, usedforsecurity=False)
        digests = b"".join([md5(text).digest()[:4] for text in distinct])
        return cls(len(distinct), int(np.frombuffer(digests, ">u4").sum(dtype=np.int64)))
