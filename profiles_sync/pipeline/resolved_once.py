"""The answer of identity resolution, staged: the step that builds the tables need not find it again.

It is kept under a hash of all that it depends on, so that it is never taken for the answer to something else.
"""

from dataclasses import astuple, fields
from hashlib import sha256

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import fs

from profiles_sync import __version__
from profiles_sync.pipeline import staging
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.pipeline.replay import Resolve
from profiles_sync.pipeline.staging import Slice
from profiles_sync.pipeline.storage import resolve as opened
from profiles_sync.spec.rules import IdentityRules

_COLUMN = "value"


def kept(folder: str, resolve: Resolve) -> Resolve:
    """`resolve`, whose answer is staged below `folder`, or found there."""

    def once(carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> Replayed:
        key = _key(carriers, past, rules, created)
        if (there := _read(folder, key)) is not None:
            return there
        found = resolve(carriers, past, rules, created)
        _write(folder, key, found)
        return found

    return once


def found(folder: str, resolve: Resolve) -> Resolve:
    """`resolve`, unless its answer is staged below `folder`; nothing is written."""
    filesystem, root = opened(folder)
    if filesystem.get_file_info(root).type.name != "Directory":
        return resolve

    def once(carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> Replayed:
        there = _read(folder, _key(carriers, past, rules, created))
        return resolve(carriers, past, rules, created) if there is None else there

    return once


def _key(carriers: Carriers, past: Past, rules: IdentityRules, created: int) -> str:
    digest = sha256(repr((__version__, rules, created)).encode())
    for array in (*astuple(carriers), *astuple(past)):
        digest.update(repr((array.dtype.str, len(array))).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _write(folder: str, key: str, answer: Replayed) -> None:
    """The columns first, then where they are: a write that is killed leaves nothing that could be found."""
    slices = staging.write(folder, [pa.table({_COLUMN: array}) for array in astuple(answer)])
    filesystem, root = opened(folder)
    with filesystem.open_output_stream(f"{root}/{key}.json") as out:
        out.write(orjson.dumps(slices))


def _read(folder: str, key: str) -> Replayed | None:
    filesystem, root = opened(folder)
    path = f"{root}/{key}.json"
    if filesystem.get_file_info(path).type is fs.FileType.NotFound:
        return None
    with filesystem.open_input_stream(path) as file:
        slices = [Slice(**one) for one in orjson.loads(file.read())]
    names = (one.name for one in fields(Replayed))
    return Replayed(**dict(zip(names, map(_array, slices), strict=True)))


def _array(where: Slice) -> np.ndarray:
    column = staging.read(where)[_COLUMN].combine_chunks()
    return np.array(column.to_numpy(zero_copy_only=False))  # a copy: what is staged goes before the batch's last use
