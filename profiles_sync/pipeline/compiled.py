"""Compile where numba is, run the same source as plain Python where it is not."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function compiled, or as it is where numba is missing or `PROFILES_SYNC_NO_NUMBA` is set.

    The compiled code is kept beside the source or in the user's cache, for the next process. It is made anew when the
    function's file changes, and only then: so a compiled function calls no compiled function of another file.
    """
    try:
        return _compiled(function, nogil=True, cache=True)
    except RuntimeError:  # there is no folder to keep the compiled code in
        return _compiled(function, nogil=True)


def step(function: Function) -> Function:
    """A part of a compiled function: called by nothing else, and it makes no array.

    So numba puts it in place of the call, need not count who holds the arrays, which would cost several times what the
    work does where they come in tuples, and need not prepare a call from Python, which would take long to compile.
    """
    return _compiled(function, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


def _compiled(function: Function, **options: bool) -> Function:
    if os.environ.get("PROFILES_SYNC_NO_NUMBA"):
        return function
    try:
        numba = import_module("numba")
    except ImportError:
        return function
    made: Function = numba.njit(**options)(function)
    return made
