"""Which port a server of ours listens on: the wanted one, the one it had last time, or a free one nearby."""

import json
import socket
from collections.abc import Collection
from pathlib import Path

from onhand.embedded.files import read_text, write_whole

LOOPBACK = "127.0.0.1"
NEIGHBOURS_MAX = 50


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do; without it a port whose last connections are still closing would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int, *, besides: Collection[int] = ()) -> int:
    """`preferred` when it is free, else a free neighbour above it, else any; never one of `besides`. 0: any."""
    for port in range(preferred, min(preferred + NEIGHBOURS_MAX, 65_536)) if preferred else ():
        if port not in besides and is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as any_port:
        any_port.bind((LOOPBACK, 0))
        return int(any_port.getsockname()[1])


class PortBook:
    """The ports of one data folder, remembered, so that a server is found again where it was."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "ports.json"

    def choose(self, name: str, preferred: int) -> int:
        """A free port for the server `name`. Asking for another `preferred` than last time forgets the old one."""
        book = self._read()
        last = book.get(name, {})
        others = {entry["port"] for other, entry in book.items() if other != name}
        if last.get("preferred") == preferred and is_free(last["port"]):
            return last["port"]
        port = free_port(preferred, besides=others)
        book[name] = {"preferred": preferred, "port": port}
        write_whole(self._path, json.dumps(book, indent=2) + "\n")
        return port

    def _read(self) -> dict[str, dict[str, int]]:
        try:
            book: dict[str, dict[str, int]] = json.loads(read_text(self._path) or "{}")
        except json.JSONDecodeError:
            return {}  # only a convenience is lost
        return book
