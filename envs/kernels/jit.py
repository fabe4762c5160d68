"""The decorator of the kernels that step environments."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}


def kernel(function: Kernel) -> Kernel:
    """Compile a function, cached on disk, free of the interpreter's lock, and without Numba's memory manager.

    Without it a kernel that would allocate does not compile, and views of arrays cost no reference counts (whole homes
    step half as fast again).
    """
    return cast(Kernel, njit(**_OPTIONS)(function))
