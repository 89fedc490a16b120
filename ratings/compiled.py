"""Compile numeric loops with Numba where it is installed, and run them as they are where it is not.

Numba is imported at the first call, never before. The environment variable ``RATINGS_COMPILE=0`` switches
compiling off; ``NUMBA_CACHE_DIR`` says where machine code is kept between processes (by default beside the
source, or in the user's cache folder where that is read-only).
"""

import functools
import importlib
import logging
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

SWITCH = "RATINGS_COMPILE"
"""The environment variable that switches compiling off when it is 0."""

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class CompiledFunction(Generic[_Parameters, _Result]):
    """A function that runs as machine code if it can.

    Attributes
    ----------
    plain : callable
        The function as it was written.
    """

    def __init__(self, function: Callable[_Parameters, _Result], *, reorder: bool = False) -> None:
        functools.update_wrapper(self, function)
        self.plain = function
        self._reorder = reorder
        self._signatures: dict[Any, Callable[_Parameters, _Result]] = {}
        self._known: dict[Any, Callable[_Parameters, _Result]] = {}

    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        numba = _import_numba() if is_switched_on() and not kwargs else None
        if numba is None:
            return self.plain(*args, **kwargs)
        # Asking Numba for the types takes ten times as long as many a call.
        kinds = tuple(map(_kind, args))
        code = self._known.get(kinds)
        if code is None:
            code = self._known[kinds] = self._code(numba, tuple(numba.typeof(argument) for argument in args))
        return code(*args, **kwargs)

    def _code(self, numba: ModuleType, signature: tuple[Any, ...]) -> Callable[_Parameters, _Result]:
        if signature not in self._signatures:
            self._signatures[signature] = _compile(numba, self.plain, signature, reorder=self._reorder)
        return self._signatures[signature]


def compiled(function: Callable[_Parameters, _Result]) -> CompiledFunction[_Parameters, _Result]:
    """Compile a function of numbers and NumPy arrays at its first call, if Numba is installed.

    Parameters
    ----------
    function : callable
        Written in what Numba's nopython mode knows; it may not call another compiled function. It is called
        with positional arguments (with keywords it runs as it was written).

    Returns
    -------
    CompiledFunction
        Releases the GIL while it runs. ``plain`` is the function as it was written. To divide by 0 is no error, as
        for NumPy.

    Notes
    -----
    Machine code is cached on disk, so that only the first call ever pays for the compiler. Nothing that goes
    wrong there is an error: without a writable cache the code is compiled anew in each process, and where
    compiling fails, or Numba does not support the installed NumPy, the plain function runs.

    Examples
    --------
    >>> @compiled
    ... def double(number):
    ...     return 2 * number
    >>> double(21), double.plain(21)
    (42, 42)
    """
    return CompiledFunction(function)


def compiled_sums(
    function: Callable[_Parameters, _Result],
) -> CompiledFunction[_Parameters, _Result]:
    """Compile as `compiled`, but let sums be added up in several lanes at once.

    Parameters
    ----------
    function : callable

    Returns
    -------
    CompiledFunction
        On one kind of processor the same arguments give the same bytes; they differ from those of ``plain`` by
        rounding, since floating-point numbers are added in another order.
    """
    return CompiledFunction(function, reorder=True)


def can_compile() -> bool:
    """Tell whether compiled functions run as machine code here; imports Numba."""
    return is_switched_on() and _import_numba() is not None


def is_compiler_loaded() -> bool:
    """Tell whether compiled functions run as machine code and Numba need not be imported for it: that takes long."""
    return is_switched_on() and "numba" in sys.modules and _import_numba() is not None


def is_switched_on() -> bool:
    """Tell whether the environment leaves compiling on."""
    return os.environ.get(SWITCH, "1") != "0"


@functools.cache
def _import_numba() -> ModuleType | None:
    try:
        return importlib.import_module("numba")
    except ImportError as error:
        # Also raised by an installed Numba that does not know the installed NumPy.
        if not isinstance(error, ModuleNotFoundError):
            _log.warning("Numba is installed but cannot be used, so loops run uncompiled: %s", error)
        return None


def _kind(argument: object) -> object:
    """Tell apart whatever Numba tells apart, and a little more."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.num
    return type(argument)


def _compile(
    numba: ModuleType,
    function: Callable[_Parameters, _Result],
    signature: tuple[Any, ...],
    *,
    reorder: bool,
) -> Callable[_Parameters, _Result]:
    """Compile before the call, so that no error of the function itself is taken for one of the compiler."""
    failure: Exception | None = None
    options: dict[str, Any] = {"fastmath": {"reassoc", "contract"}} if reorder else {}
    for cache in (True, False):
        try:
            dispatcher = numba.njit(cache=cache, nogil=True, error_model="numpy", **options)(function)
            dispatcher.compile(signature)
        except numba.core.errors.NumbaError as error:
            failure = error
            break
        except Exception as error:
            # The cache: no folder can be written, the disk is full, or its content is broken.
            failure = error
        else:
            machine_code: Callable[_Parameters, _Result] = dispatcher
            return machine_code
    _log.warning("%s could not be compiled and runs as it is: %s", function.__qualname__, failure)
    return function
