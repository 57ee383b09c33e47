"""Digests of many texts are those of each."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from profiles_sync.pipeline import digests
from profiles_sync.spec import ids

TEXTS = ["", "a", "é", "x" * 54, "x" * 55, "x" * 56, "x" * 63, "x" * 64, "y" * 200, *(f"m{n}" for n in range(300))]


@pytest.mark.parametrize("prefix", ["", "email", "p" * 70])
@pytest.mark.parametrize("fast", [True, False])
def test_sha1_is_hashlibs(prefix, fast, monkeypatch):
    monkeypatch.setattr(digests, "IS_FAST", fast)
    array = pa.array(["skipped", *TEXTS])[1:]  # a slice, as most are
    expected = [hashlib.sha1((prefix + text).encode()).hexdigest() for text in TEXTS]
    assert digests.hexadecimal(digests.sha1(array, prefix)).to_pylist() == expected


def test_segment_ids_are_the_specs():
    texts = [f"acme\n{n}\nm{n}" for n in range(200)]
    made = digests.segment_ids(digests.sha1(pa.array(texts))).to_pylist()
    assert made == [ids.segment_id("acme", n, f"m{n}") for n in range(200)]


def test_halves_are_the_first_128_bits():
    high, low = digests.halves(digests.sha1(pa.array(["a"]), "email"))
    digest = bytes.fromhex(ids.external_id_hash("email", "a"))
    assert (int(high[0]), int(low[0])) == (
        int.from_bytes(digest[:8], signed=True),
        int.from_bytes(digest[8:16], signed=True),
    )
    assert high.dtype == np.int64


def test_no_texts_have_no_digests():
    assert len(digests.sha1(pa.array([], pa.string()))) == 0
    assert digests.segment_ids(digests.sha1(pa.array([], pa.string()))).to_pylist() == []
