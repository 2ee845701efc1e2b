"""Compiled loops: numba's ``njit``, kept between processes where there is a place for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Loop], Loop]:
    """Compile a loop without the interpreter's lock, and cache what was compiled.

    Where neither the package's folder nor the user's cache can be written (a container, a node without a home), every
    process compiles anew, which is said once.

    Args:
        options: of ``numba.njit``, such as ``fastmath``.
    """

    def compile_(loop: Loop) -> Loop:
        try:
            made: Loop = numba.njit(cache=True, nogil=True, **options)(loop)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            _say_that_nothing_is_kept()
            made = numba.njit(nogil=True, **options)(loop)
        return made

    return compile_


@cache
def _say_that_nothing_is_kept() -> None:
    warnings.warn(
        "no folder for compiled code can be written, so that every start compiles anew, for about ten seconds; "
        "set NUMBA_CACHE_DIR to one that can",
        UserWarning,
        stacklevel=4,
    )
