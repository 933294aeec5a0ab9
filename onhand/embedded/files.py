"""Small files of the data folder: written whole or not at all, readable by their owner only."""

import contextlib
import os
import secrets
from pathlib import Path

LOG_BYTES_MAX = 10 * 1024 * 1024


def write_whole(path: Path, text: str) -> None:
    """Put `text` into `path` in one step, so that a reader (or a crash) never meets half of it."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str | None:
    """What `path` holds, or None where there is no such file."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return None


def make_data_dir(path: Path) -> None:
    """Create the data folder with its logs. One that exists keeps its mode: it may be the user's own."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        # Root's database server runs as another user, who must get through to its own part of the folder.
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    (path / "logs").mkdir(exist_ok=True, mode=0o700)


def open_log(path: Path) -> int:
    """A descriptor to append to the log, after putting an overgrown one aside (one old log is kept)."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def log_tail(path: Path, *, since: int = 0, lines_max: int = 12) -> str:
    """The last lines a server wrote after byte `since`, for an error message."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, path.stat().st_size - 16_384))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "(no log was written)"
    return "\n".join(text.splitlines()[-lines_max:]) or "(nothing was logged)"
