"""One stack a data folder: a lock that the system lets go of when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from onhand.embedded.errors import AlreadyRunning
from onhand.embedded.files import make_data_dir


class FolderLock:
    """Held while a stack runs. The file stays; only the lock on it means anything."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once. Raises AlreadyRunning, which names the process that has it."""
        make_data_dir(self._data_dir)
        # Children do not inherit the descriptor (PEP 446), so none of them can keep the lock of a dead parent.
        descriptor = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"Onhand already runs in {self._data_dir} (process {holder}). Use that one (`onhand doctor`), stop it"
                f" (kill {holder}), or run another one with its own data folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "FolderLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
