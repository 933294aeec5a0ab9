"""Programs end at once with their exit code, and all they said is said."""

import subprocess
import sys

import pytest

SCRIPT = """
import atexit, sys
from onhand.leaving import run_and_leave
atexit.register(print, "wound down")
def program():
    print("said", end="")
    {end}
run_and_leave(program)
"""


def ended(end: str) -> tuple[int, str, str]:
    """The exit code, what went to stdout and what to stderr, of a program that ends so."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(end=end)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("end", "code", "stderr"),
    [("pass", 0, ""), ("sys.exit()", 0, ""), ("sys.exit(3)", 3, ""), ("sys.exit('no')", 1, "no\n")],
)
def test_it_leaves_with_the_programs_code_and_winds_nothing_down(end: str, code: int, stderr: str) -> None:
    """Goal: no thread meets an interpreter that is ending. Method: what is to run at its end does not."""
    assert ended(end) == (code, "said", stderr)


def test_an_error_nobody_foresaw_ends_as_always() -> None:
    code, _, stderr = ended("raise RuntimeError('boom')")
    assert code == 1
    assert stderr.endswith("RuntimeError: boom\n")


def test_an_output_that_is_gone_is_no_trouble() -> None:
    code, _, stderr = ended("import os; os.close(1)")
    assert (code, stderr) == (0, "")
