"""Where the running stack of a data folder is, for other commands of the same user: `<data folder>/state.json`.

It holds addresses and pids, never a password: the DSN is in a file of its own that only its owner can read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from onhand.embedded.errors import EmbeddedError
from onhand.embedded.files import make_data_dir, read_text, write_whole
from onhand.embedded.process import birth_of, same_process


@dataclass(frozen=True)
class StackState:
    """One running stack. What it does not run itself (an existing database, say) is None."""

    dsn_file: str | None = None
    temporal_address: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict)
    """What a person or a script opens, by name: web, temporal_ui, sandbox."""
    pids: Mapping[str, int] = field(default_factory=dict)
    supervisor: Mapping[str, float] = field(default_factory=lambda: birth_of(os.getpid()))
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def dsn(self) -> str:
        """The address of the embedded database, with its password. Raises EmbeddedError where there is none."""
        dsn = read_text(Path(self.dsn_file)) if self.dsn_file is not None else None
        if dsn is None:
            raise EmbeddedError(
                "the running stack has no database of its own: set DATABASE_URL here too, as for the stack"
            )
        return dsn

    @property
    def supervisor_pid(self) -> int:
        """The process that started the stack, and ends it on SIGTERM."""
        return int(self.supervisor["pid"])

    @property
    def is_alive(self) -> bool:
        """Whether the process that wrote this still runs."""
        return same_process(self.supervisor) is not None


def write_state(data_dir: Path, state: StackState) -> None:
    """Tell other commands where the stack is."""
    make_data_dir(data_dir)
    write_whole(_path(data_dir), json.dumps(asdict(state), indent=2) + "\n")


def read_state(data_dir: Path) -> StackState | None:
    """The stack that runs now, or None: no stack, one that died without a word, or a file that cannot be read."""
    text = read_text(_path(data_dir))
    if text is None:
        return None
    try:
        state = StackState(**json.loads(text))
    except (json.JSONDecodeError, TypeError):
        return None
    return state if state.is_alive else None


def clear_state(data_dir: Path) -> None:
    """Say that no stack runs here."""
    _path(data_dir).unlink(missing_ok=True)


def _path(data_dir: Path) -> Path:
    return data_dir / "state.json"
