"""What a long-lived process asks of the allocator and of the garbage collector, in a process of its own."""

import ctypes
import subprocess
import sys

import pytest

PAGES_OF_ITS_OWN = """
import ctypes
from onhand import memory

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
{call}
large = bytes(8_000_000)
del large
before = libc.mallinfo2().hblks
held = bytes(1_000_000)
print(libc.mallinfo2().hblks - before)
"""


def said_by(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this C library tells nothing of its heap"
)
def test_large_buffers_have_pages_of_their_own_also_after_a_larger_one_was_freed() -> None:
    """Negative control first: left alone, glibc takes the next large buffer from the heap."""
    assert said_by(PAGES_OF_ITS_OWN.format(call="")) == "0\n"
    assert said_by(PAGES_OF_ITS_OWN.format(call="memory.return_large_buffers()")) == "1\n"


def test_what_is_loaded_is_left_alone_by_the_collector() -> None:
    code = """
import gc
from onhand.memory import keep_what_is_loaded
loaded = len(gc.get_objects())
keep_what_is_loaded()
print(gc.get_threshold()[0], gc.get_freeze_count() >= 0.9 * loaded, len(gc.get_objects()) < 0.1 * loaded)
"""
    assert said_by(code) == "5000 True True\n"
