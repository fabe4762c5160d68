"""The decorator of the kernels that step environments."""

from numba import njit

#: Compiled, cached on disk, free of the interpreter's lock, and without Numba's memory manager: a kernel that would
#: allocate does not compile, and views of arrays cost no reference counts (half as fast again on whole homes).
kernel = njit(cache=True, nogil=True, _nrt=False)
