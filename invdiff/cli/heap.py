"""Keep freed memory in the process: glibc would hand large arrays back to the kernel and fetch them again at every
step."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt's parameters in malloc.h


def keep_heap() -> None:
    """Raise glibc's thresholds for giving memory back; does nothing on other systems."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, 1 << 30)
