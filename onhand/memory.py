"""How a process that runs for weeks holds its memory: what it let go of goes back, and is not searched for in vain."""

import ctypes
import gc
import sys

MMAP_THRESHOLD_BYTES = 128 * 1024
"""A buffer of this size or more gets pages of its own. It is glibc's first value; left alone, glibc raises it to the
size of the largest that was freed, and the buffers of bulk calls then leave holes all over the heap: 24 MB of them
after 120,000 levels."""

GARBAGE_THRESHOLD = 5_000
"""Objects made, less objects let go, before the young ones are searched for cycles. A bulk call makes thousands, nearly
all of which go by themselves, and at Python's own 700 each of them is looked at."""

M_MMAP_THRESHOLD = -3
"""The parameter's number in glibc's malloc.h."""


def return_large_buffers() -> None:
    """Have the allocator give large buffers back as they are freed. Call it first; without glibc it does nothing."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)


def keep_what_is_loaded() -> None:
    """Have the garbage collector leave alone what exists by now, and look less often at the rest.

    Call it when everything is loaded. Searching all modules again and again took a seventh of a sync.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # a full search waits until what survived the last one has grown by a quarter: now that is little
    gc.set_threshold(GARBAGE_THRESHOLD)
