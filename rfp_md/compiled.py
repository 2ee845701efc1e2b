"""Compiled loops: numba's ``njit``, kept between processes where there is a place for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pickle import UnpicklingError
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache

Loop = TypeVar("Loop", bound=Callable[..., Any])


class _Kept(FunctionCache):  # type: ignore[misc]
    """What was compiled, on the disk; one that is full or damaged is not a reason to stop."""

    @contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, UnpicklingError):
            _say_that_nothing_is_kept()


def compiled(**options: Any) -> Callable[[Loop], Loop]:
    """Compile a loop without the interpreter's lock, and keep what was compiled for the next process.

    Where neither the package's folder nor the user's cache can be written (a container, a node without a home, a full
    disk), every process compiles anew, which is said once.

    Args:
        options: of ``numba.njit``, such as ``fastmath``.
    """

    def compile_(loop: Loop) -> Loop:
        made: Any = numba.njit(nogil=True, **options)(loop)
        try:
            made._cache = _Kept(loop)
        except RuntimeError:  # there is no place at all
            _say_that_nothing_is_kept()
        return made  # type: ignore[no-any-return]

    return compile_


@cache
def _say_that_nothing_is_kept() -> None:
    warnings.warn(
        "compiled code cannot be kept (no folder for it can be written, or the disk is full), so that every start "
        "compiles anew, for about ten seconds; set NUMBA_CACHE_DIR to a folder that can",
        UserWarning,
        stacklevel=2,
    )
