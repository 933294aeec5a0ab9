"""The embedded PostgreSQL: what it keeps, and what it comes back from."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from onhand.embedded import place
from onhand.embedded.errors import NoPlace, StartFailed
from onhand.embedded.postgres import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")


def server(data_dir: Path, **settings: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        data_dir, port=57_432, durable=False, settings={"shared_buffers": "16MB", **settings}
    )


async def execute(postgres: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(postgres.dsn, autocommit=True) as connection:
        cursor = await connection.execute(statement)
        return await cursor.fetchall() if cursor.description else []


async def keep(postgres: EmbeddedPostgres) -> None:
    await execute(postgres, "CREATE TABLE kept AS SELECT 7 AS number")


async def kept(postgres: EmbeddedPostgres) -> list[tuple[object, ...]]:
    return await execute(postgres, "SELECT number FROM kept")


async def test_a_restart_keeps_data_port_and_password(data_dir: Path) -> None:
    async with server(data_dir) as first:
        await keep(first)
    assert first.pid is None
    async with server(data_dir) as second:
        assert second.dsn == first.dsn
        assert await kept(second) == [(7,)]


async def test_only_loopback_with_a_password_that_only_the_owner_can_read(data_dir: Path) -> None:
    async with server(data_dir) as postgres:
        assert await execute(postgres, "SHOW listen_addresses") == [("127.0.0.1",)]
        assert await execute(postgres, "SHOW unix_socket_directories") == [("",)]
        assert postgres.dsn_file.read_text() == postgres.dsn
        for secret in (postgres.dsn_file, data_dir / "postgres.password"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await psycopg.AsyncConnection.connect(postgres.dsn, password="guess")
        password = (data_dir / "postgres.password").read_text()
        assert password not in postgres.log_file.read_text()


async def test_a_taken_port_is_left_to_its_owner(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with EmbeddedPostgres(data_dir, port=taken, durable=False) as postgres:
            assert postgres.port != taken
            chosen = postgres.port
    async with EmbeddedPostgres(data_dir, port=taken, durable=False) as again:
        assert again.port == chosen


async def test_a_killed_server_starts_again_on_its_port_with_all_that_was_committed(data_dir: Path) -> None:
    async with server(data_dir) as postgres:
        await keep(postgres)
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGKILL)
        assert await postgres.wait() == -signal.SIGKILL
        port = postgres.port
        await postgres.start()
        assert postgres.port == port
        assert await kept(postgres) == [(7,)]


async def test_a_server_whose_parent_was_killed_is_stopped_and_replaced(data_dir: Path) -> None:
    orphaned = server(data_dir)
    await orphaned.start()
    await keep(orphaned)
    async with server(data_dir) as postgres:
        assert postgres.pid != orphaned.pid
        assert postgres.port == orphaned.port
        assert await orphaned.wait() == 0, "it was shut down, not killed"
        assert await kept(postgres) == [(7,)]


async def test_a_pid_file_that_names_a_stranger_is_no_hindrance(data_dir: Path) -> None:
    async with server(data_dir) as postgres:
        await keep(postgres)
        cluster = postgres.place.cluster
        claim = (cluster / "postmaster.pid").read_text().split("\n", 1)[1]
    user = postgres.place.user
    # Of the server's own user, because another user's process PostgreSQL cannot ask and so does not take for itself.
    with subprocess.Popen(["/bin/sleep", "60"], user=user) as stranger:
        (cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{claim}")
        if user is not None:
            os.chown(cluster / "postmaster.pid", user, -1)
        async with server(data_dir) as again:
            assert await kept(again) == [(7,)]
        assert stranger.poll() is None
        stranger.kill()


async def test_a_half_made_database_is_made_anew(data_dir: Path) -> None:
    async with server(data_dir) as postgres:
        pass
    # As an initdb leaves it that was killed: under its working name, with some files missing.
    home = postgres.place.home
    postgres.place.cluster.rename(home / "cluster.new")
    shutil.rmtree(home / "cluster.new" / "global")
    async with server(data_dir) as again:
        assert await execute(again, "SELECT current_database()") == [("onhand",)]
        assert [path.name for path in home.iterdir()] == ["cluster"]


async def test_a_folder_that_is_no_database_is_put_aside(data_dir: Path) -> None:
    async with server(data_dir) as postgres:
        pass
    (postgres.place.cluster / "PG_VERSION").unlink()
    async with server(data_dir) as again:
        assert await execute(again, "SELECT 1") == [(1,)]
    assert (
        len([path for path in postgres.place.home.iterdir() if path.name.startswith("cluster.broken-")]) == 1
    )


async def test_a_lost_password_is_set_anew(data_dir: Path) -> None:
    async with server(data_dir) as first:
        await keep(first)
    (data_dir / "postgres.password").unlink()
    async with server(data_dir) as second:
        assert second.dsn != first.dsn
        assert await kept(second) == [(7,)]


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing(data_dir: Path) -> None:
    broken = server(data_dir, shared_buffers="none")
    with pytest.raises(StartFailed, match="invalid value for parameter") as caught:
        await broken.start()
    assert str(broken.log_file) in str(caught.value)
    assert broken.pid is None


async def test_another_major_version_is_refused(data_dir: Path) -> None:
    async with server(data_dir) as postgres:
        pass
    (postgres.place.cluster / "PG_VERSION").write_text("15\n")
    with pytest.raises(StartFailed, match=r"made by PostgreSQL 15, this is 18\. Dump it"):
        await server(data_dir).start()


async def test_two_starts_of_two_folders_get_two_ports(data_dir: Path) -> None:
    async with server(data_dir / "one") as one, server(data_dir / "two") as two:
        assert one.port != two.port
        assert await asyncio.gather(execute(one, "SELECT 1"), execute(two, "SELECT 1")) == [[(1,)], [(1,)]]


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that only its owner may enter, as mktemp -d makes them."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@as_root
async def test_root_in_a_closed_folder_keeps_the_database_elsewhere_and_opens_nothing(
    closed_folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = data_dir.parent
    monkeypatch.setattr(place, "FALLBACK_ROOT", elsewhere)
    async with server(closed_folder / "data") as postgres:
        assert postgres.place.home.is_relative_to(elsewhere)
        assert psutil.Process(postgres.pid).uids().real == postgres.place.user != 0
        await keep(postgres)
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700
    async with server(closed_folder / "data") as again:
        assert await kept(again) == [(7,)]
    shutil.rmtree(closed_folder / "data")
    async with server(closed_folder / "data") as fresh:
        assert await execute(fresh, "SELECT to_regclass('kept')") == [(None,)]


@as_root
async def test_root_with_binaries_in_a_closed_folder_uses_a_copy(
    closed_folder: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = place.bundled_programs().parents[1]
    for part in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(
            part, closed_folder / part.name, ignore=shutil.ignore_patterns("include", "pginstall")
        )
    inside = closed_folder / package.name / f"pginstall{place.MAJOR_VERSION}" / "bin"
    monkeypatch.setattr(place, "bundled_programs", lambda: inside)
    monkeypatch.setattr(place, "FALLBACK_ROOT", data_dir.parent)
    async with server(data_dir) as postgres:
        assert postgres.place.programs.is_relative_to(data_dir.parent)
        assert await execute(postgres, "SELECT 1") == [(1,)]
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700


@as_root
def test_a_fallback_folder_that_others_may_write_to_is_refused(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    planted = data_dir.parent / "planted"
    planted.mkdir()
    planted.chmod(0o777)
    (data_dir / "postgres.path").write_text(str(planted))
    with pytest.raises(NoPlace, match="others may write to it"):
        place.find_place(data_dir, fallback_root=data_dir.parent)


def test_a_user_without_a_name_is_told_what_to_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999_999)
    with pytest.raises(NoPlace, match=r"user 3999999999 has no entry in /etc/passwd.*set DATABASE_URL"):
        place.find_place(data_dir)
