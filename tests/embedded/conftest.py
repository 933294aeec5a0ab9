"""What the tests of the embedded servers share: a data folder, and proof that nothing is left running."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fix_embedded import open_folder


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder of its own; whoever still runs in it after the test makes the test fail."""
    with open_folder() as folder:
        yield folder
        left = [process for process in psutil.process_iter() if is_of(process, folder)]
        for process in left:
            process.kill()
        assert left == []


def is_of(process: psutil.Process, folder: Path) -> bool:
    """Whether a process works in or on this folder."""
    try:
        return any(str(folder) in text for text in (process.cwd(), *process.cmdline()))
    except psutil.Error:
        return False
