"""Pid files, ports, the state file and the folder's lock."""

import json
import os
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from onhand.embedded.errors import AlreadyRunning, EmbeddedError
from onhand.embedded.files import LOG_BYTES_MAX, log_tail, make_data_dir, open_log, read_text, write_whole
from onhand.embedded.lock import FolderLock
from onhand.embedded.ports import PortBook, free_port
from onhand.embedded.process import PidFile, birth_of, same_process, stop_orphan
from onhand.embedded.state import StackState, clear_state, read_state, write_state


def test_a_file_is_written_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_whole(path, "old")
    write_whole(path, "new")
    assert read_text(path) == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]
    assert read_text(tmp_path / "missing") is None


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_data_dir(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750
    assert (tmp_path / "logs").is_dir()


def test_an_overgrown_log_is_put_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    for line in (b"a", b"b"):
        with path.open("wb") as file:
            file.truncate(LOG_BYTES_MAX + 1)
            file.write(line)
        os.close(open_log(path))
    assert (tmp_path / "x.log.1").read_bytes()[:1] == b"b"
    assert path.stat().st_size == 0
    assert log_tail(path) == "(nothing was logged)"
    path.write_text("".join(f"{n}\n" for n in range(100)))
    assert log_tail(path, lines_max=2) == "98\n99"


def test_the_wanted_port_then_a_neighbour_then_the_same_again(tmp_path: Path) -> None:
    wanted = free_port(60_100)
    with socket.create_server(("127.0.0.1", wanted)):
        given = PortBook(tmp_path).choose("web", wanted)
        assert wanted < given < wanted + 50
    assert PortBook(tmp_path).choose("web", wanted) == given, "it stays where it was"
    assert PortBook(tmp_path).choose("web", wanted + 60) == free_port(wanted + 60), "another wish forgets it"


def test_port_0_is_any_free_one_and_stays(tmp_path: Path) -> None:
    given = PortBook(tmp_path).choose("web", 0)
    assert given > 1_023
    assert PortBook(tmp_path).choose("web", 0) == given


def test_two_servers_of_a_folder_never_share_a_port(tmp_path: Path) -> None:
    book, wanted = PortBook(tmp_path), free_port(60_200)
    assert len({book.choose(name, wanted) for name in ("a", "b", "c")}) == 3


def test_a_spoilt_book_of_ports_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert PortBook(tmp_path).choose("web", 60_300) == free_port(60_300)


async def test_a_recycled_pid_is_never_stopped(tmp_path: Path) -> None:
    path = tmp_path / "worker.pid"
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as stranger:
        birth = birth_of(stranger.pid)
        path.write_text(json.dumps({**birth, "started": birth["started"] - 3600}))
        assert await stop_orphan(path, ()) is False
        assert stranger.poll() is None
        PidFile(path).write(stranger.pid)
        assert await stop_orphan(path, ()) is True
        assert stranger.wait() == -9
    assert not path.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"pid": "x", "started": 1}', '{"pid": -1, "started": 1}', "[]"]
)
def test_a_spoilt_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.pid").write_text(text)
    assert PidFile(tmp_path / "x.pid").living() is None


def test_the_state_tells_where_the_stack_is_and_keeps_the_password_out(tmp_path: Path) -> None:
    dsn_file = tmp_path / "postgres.dsn"
    write_whole(dsn_file, "postgresql://onhand:secret@127.0.0.1:1/onhand")
    state = StackState(
        str(dsn_file), "127.0.0.1:7233", urls={"web": "http://127.0.0.1:8080"}, pids={"worker": 1}
    )
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert "secret" not in (tmp_path / "state.json").read_text()
    assert state.dsn == "postgresql://onhand:secret@127.0.0.1:1/onhand"
    assert state.supervisor_pid == os.getpid()
    clear_state(tmp_path)
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("text", ["{", '{"unknown": 1}', "[]"])
def test_a_spoilt_state_is_no_stack(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert read_state(tmp_path) is None


def test_a_dead_supervisor_is_no_stack(tmp_path: Path) -> None:
    mine = birth_of(os.getpid())
    write_state(tmp_path, replace(StackState(), supervisor={**mine, "started": mine["started"] - 3600}))
    assert read_state(tmp_path) is None
    assert same_process({"pid": float(os.getpid())}) is None


def test_a_stack_without_a_database_says_what_to_set() -> None:
    with pytest.raises(EmbeddedError, match="set DATABASE_URL"):
        _ = StackState(temporal_address="127.0.0.1:7233").dsn


def test_a_second_stack_in_the_folder_is_refused_by_the_pid_of_the_first(tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from onhand.embedded.lock import FolderLock\n"
        "FolderLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=rf"already runs in .* \(process {first.pid}\)"):
            FolderLock(tmp_path).acquire()
        first.kill()
    with FolderLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert psutil.pid_exists(os.getpid())
