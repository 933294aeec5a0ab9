"""A PostgreSQL cluster on disk: made whole or not at all, with one role, one database and one password.

Everything a first start needs (initdb, who may connect, the password, the database) is done in a folder beside the
cluster's and renamed into place at the end. So a cluster that is there is complete, and one that is not is redone.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from onhand.embedded.errors import StartFailed
from onhand.embedded.files import read_text, write_whole
from onhand.embedded.place import MAJOR_VERSION, Place

ROLE = "onhand"
DATABASE = "onhand"
INITDB_SECONDS_MAX = 120.0

log = structlog.get_logger(__name__)


def ensure_cluster(place: Place, password_file: Path, *, durable: bool) -> str:
    """Make the cluster unless it is there, and return the password of its role. Blocks for about a second."""
    password = read_text(password_file)
    if _is_complete(place.cluster):
        if password is None:
            password = secrets.token_urlsafe(32)
            _run_single(place, place.cluster, [_set_password(password)])
            write_whole(password_file, password)
            log.warning("the database's password was lost and is set anew", password_file=str(password_file))
        return password
    password = password or secrets.token_urlsafe(32)
    write_whole(password_file, password)
    _make(place, password, durable=durable)
    return password


def _is_complete(cluster: Path) -> bool:
    version = read_text(cluster / "PG_VERSION")
    if version is None:
        if cluster.exists():
            aside = cluster.with_name(f"cluster.broken-{datetime.now(UTC):%Y%m%dT%H%M%S}")
            cluster.rename(aside)
            log.warning("a database folder without a database was put aside", put_aside_as=str(aside))
        return False
    if version.strip() != str(MAJOR_VERSION):
        raise StartFailed(
            f"the database in {cluster} was made by PostgreSQL {version.strip()}, this is {MAJOR_VERSION}."
            " Dump it with the older release of Onhand, move the folder away, and restore the dump."
        )
    return True


def _make(place: Place, password: str, *, durable: bool) -> None:
    half = place.home / "cluster.new"
    if half.exists():
        log.warning("a database that was left half made is made anew", folder=str(half))
        shutil.rmtree(half)
    initdb = [
        str(place.programs / "initdb"), "--pgdata", str(half), "--username", ROLE, "--auth", "trust",
        "--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C",
        *([] if durable else ["--no-sync"]),
    ]  # fmt: skip
    _run(place, initdb, "")
    # Written over initdb's own, which lets everybody in: only scram, and only from this machine.
    (half / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
    _run_single(place, half, [_set_password(password), f"CREATE DATABASE {DATABASE} OWNER {ROLE}"])
    half.rename(place.cluster)
    if durable:
        _sync_folder(place.home)


def _set_password(password: str) -> str:
    return f"ALTER ROLE {ROLE} PASSWORD '{password}'"


def _run_single(place: Place, cluster: Path, statements: Sequence[str]) -> None:
    """Statements before anybody can connect. A statement that fails is not logged: it may hold the password."""
    postgres = [
        str(place.programs / "postgres"), "--single", "-j", "-D", str(cluster),
        "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "-c", "log_checkpoints=off", "postgres",
    ]  # fmt: skip
    _run(place, postgres, "".join(f"{statement};\n\n" for statement in statements))


def _run(place: Place, argv: Sequence[str], lines: str) -> None:
    try:
        done = subprocess.run(
            argv, input=lines, capture_output=True, text=True, check=False, timeout=INITDB_SECONDS_MAX,
            user=place.user, group=place.group, extra_groups=None if place.user is None else [],
            env=server_environment(), cwd="/", start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StartFailed(f"{argv[0]} took longer than {INITDB_SECONDS_MAX:.0f} s in {place.home}") from error
    if done.returncode != 0:
        raise StartFailed(
            f"making the database in {place.home} failed: {argv[0]} ended with {done.returncode} and said:\n"
            f"{done.stderr.strip()[-2_000:]}\nIs the disk full, or the folder on a file system without Unix rights?"
        )


def server_environment() -> Mapping[str, str]:
    """What the server's programs see of our environment: nothing that configures them, and no secret."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
