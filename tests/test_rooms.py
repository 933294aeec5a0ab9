"""Which room may import which, of ours and of others: read from the source, so that an import through a wall fails.

Method: every import of a module is taken from its syntax tree, also those inside functions.
"""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"activities", "bench", "demo", "onhand", "starter", "tests", "worker", "workflows"}


@dataclass(frozen=True)
class Room:
    """A folder or module: what it may use, of ours besides itself, of others besides the standard library, and why."""

    why: str
    ours: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


def room(why: str, ours: str = "", others: str = "") -> Room:
    """A line of the table; names are separated by spaces, and those without a dot are of onhand."""
    named = {name if name in OURS else f"onhand.{name}" for name in ours.split()}
    return Room(why, frozenset(named), frozenset(others.split()))


ROOMS = {
    "onhand/domain": room("rules are tried without a database, a clock or a network"),
    "onhand/simulation": room("decisions are tried without I/O, so it needs nothing but them", "domain"),
    "onhand/ledger": room(
        "the only room that speaks SQL to the ledger", "domain", "psycopg psycopg_pool structlog"
    ),
    "onhand/channels": room(
        "the only room that speaks to platforms; only its registry knows settings",
        "domain redaction settings",
        "httpx orjson",
    ),
    "onhand/sources": room("one more source changes nothing else", "domain redaction settings", "psycopg"),
    "onhand/alerts": room(
        "says what the record holds", "domain ledger settings wording", "slack_sdk structlog"
    ),
    "onhand/explain": room("words for web and command line alike", "domain ledger wording"),
    "onhand/embedded": room(
        "knows servers and processes, nothing of stock", "redaction", "psutil psycopg structlog temporalio"
    ),
    "onhand/sandbox": room(
        "shares nothing with the adapters that are tested against it",
        "",
        "graphql httptools orjson pydantic starlette typer uvicorn",
    ),
    "onhand/web": room(
        "shows, and lets facts in; carries no command line",
        "channels connect domain embedded explain guard leaving ledger log markup messages redaction reports runs "
        "settings status waking",
        "fastapi orjson psycopg psycopg_pool pydantic starlette structlog swagger_ui_bundle temporalio typer uvicorn",
    ),
    "onhand/status": room(
        "looks at everything, and changes nothing",
        "connect domain embedded ledger messages redaction schedules settings",
        "psycopg temporalio",
    ),
    "onhand/reports": room("a day in numbers, for people", "alerts domain ledger markup settings wording"),
    "onhand/markup.py": room("tags and text; uses nothing"),
    "workflows": room("replayed, so it decides and never does", "domain messages", "temporalio"),
    "activities": room(
        "thin: each calls one or two rooms; no program, no server",
        "alerts authority channels domain draining guard hiding_at_zero imports intake ledger mapping messages "
        "overselling planning promising publish read_back reconcile reports retuning settings sources spiking "
        "stock_watch sweeping tiers waking workflows",
        "temporalio",
    ),
    "onhand/validation": room(
        "a history against known totals, in a ledger of its own", "domain ledger", "pydantic"
    ),
    "onhand/audit": room("judges the record, and shares nothing with what wrote it", "ledger"),
    "onhand/publish": room(
        "the one way of a level to a channel", "background channels domain draining ledger", "psycopg"
    ),
    "onhand/intake": room(
        "the one way of a delivery into the ledger", "background channels domain draining ledger", "psycopg"
    ),
    "onhand/reconcile": room(
        "what channels really show, and why",
        "background channels domain intake ledger publish sweeping wording",
        "structlog",
    ),
    "onhand/guard.py": room("what would change too much waits for a person", "domain ledger", "structlog"),
    "onhand/sweeping.py": room("what webhooks failed to tell", "channels domain ledger", "structlog"),
    "onhand/overselling.py": room("what is promised twice", "alerts domain ledger settings", "structlog"),
    "onhand/spiking.py": room(
        "what sells much faster than usual", "alerts domain ledger settings", "structlog"
    ),
    "onhand/hiding_at_zero.py": room("what shows nothing is not shown", "channels ledger", "structlog"),
    "onhand/low_stock.py": room("what is running out", "alerts domain ledger settings", "structlog"),
    "onhand/stock_watch.py": room(
        "what people are told of stock itself", "alerts counting ledger low_stock settings"
    ),
    "onhand/counting.py": room("what counts leave to people", "alerts domain ledger settings", "structlog"),
    "onhand/promising.py": room("what is promised ahead", "alerts domain ledger settings", "structlog"),
    "onhand/waking.py": room("signals, never the record", "messages workflows", "structlog temporalio"),
    "onhand/draining.py": room("a loop that knows nothing of what it drains"),
    "onhand/background.py": room("tasks beside a step; uses nothing"),
    "onhand/read_back.py": room("proof for what was published", "channels domain ledger publish"),
    "onhand/mapping.py": room("from items to listings", "channels ledger"),
    "onhand/imports.py": room("from files to the ledger", "ledger sources"),
    "onhand/kit_imports.py": room("kits from files to the ledger", "domain imports ledger sources"),
    "onhand/rule_check.py": room("rules on past demand, before they are saved", "domain ledger simulation"),
    "onhand/rule_suggestion.py": room("rules that fit what was sold", "domain ledger rule_check simulation"),
    "onhand/retuning.py": room(
        "people are told which rules would fit", "alerts domain rule_check rule_suggestion simulation wording"
    ),
    "onhand/dry_run.py": room("a run without its writes", "channels domain ledger publish sources"),
    "onhand/messages.py": room("old histories hold these records, so they depend on nothing", "", "pydantic"),
    "onhand/settings.py": room(
        "read once, checked whole; makes the domain's rules",
        "domain redaction settings_faults settings_stock",
        "pydantic",
    ),
    "onhand/settings_stock.py": room("the sections about stock itself", "domain", "pydantic"),
    "onhand/redaction.py": room("everything may mask, so it uses nothing"),
    "onhand/wording.py": room("numbers in words; uses nothing"),
    "onhand/log.py": room("every program logs", "redaction", "structlog"),
}
"""What a room may import. What is not listed (the command line, worker.py, ...) puts the others together."""

ROOTS_ONLY = {"onhand.cli", "onhand.web", "starter", "worker"}
"""Nothing imports these but themselves and the programs that start them."""
ROOTS = ("onhand/cli", "onhand/web", "onhand/embedded", "starter.py", "worker.py")

SQL = re.compile(
    r"\s*(SELECT\b|INSERT INTO\b|UPDATE \w+ SET\b|DELETE FROM\b|WITH \w+ AS\b|TRUNCATE\b|COPY \w|GRANT \w+ (ON|TO)\b"
    r"|(CREATE|ALTER|DROP) (TABLE|INDEX|ROLE|DATABASE|VIEW|FUNCTION)\b|SET (ROLE|LOCAL|\w+ =))"
)
SQL_OUTSIDE = {
    "onhand/ledger/database.py": "takes the program's role and sets time limits when a connection opens",
    "onhand/ledger/migrations.py": "keeps the table of what was applied, before any schema exists",
    "onhand/embedded/cluster.py": "makes the database and its password, before any ledger exists",
    "onhand/sources/postgres_check.py": "asks somebody else's server what it can do",
    "onhand/sources/postgres_queries.py": "reads somebody else's table, whose names are configured",
    "onhand/sources/staging.py": "sorts a file's rows in a temporary SQLite file",
}
"""Where statements may stand in Python, and why they do; all others are in onhand/ledger/queries/*.sql."""


def modules_of(where: str) -> list[Path]:
    """The module, or every module of the folder."""
    path = ROOT / where
    return [path] if path.suffix else sorted(path.rglob("*.py"))


@cache
def imported(file: Path) -> frozenset[str]:
    """Every module a file names in an import, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{file}: imports are absolute"
            found.update({node.module, *(f"{node.module}.{name.name}" for name in node.names)})
    return frozenset(found)


def room_of(module: str) -> str:
    """The room an imported module of ours is in: "onhand.ledger" for "onhand.ledger.runs"."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "onhand" else parts[0]


@pytest.mark.parametrize("where", ROOMS)
def test_a_room_imports_what_it_may_of_ours(where: str) -> None:
    """Goal: the arrows point one way, as docs/architecture.md draws them."""
    own = where.removesuffix(".py").replace("/", ".")
    files = modules_of(where)
    assert files
    used = {
        (room_of(module), str(file.relative_to(ROOT)))
        for file in files
        for module in imported(file)
        if module.split(".")[0] in OURS and module != "onhand"
    }
    assert {(other, file) for other, file in used if other not in ROOMS[where].ours | {own}} == set()


@pytest.mark.parametrize("where", ROOMS)
def test_a_room_imports_what_it_may_of_others(where: str) -> None:
    """Goal: a package is used where it belongs, so that it could be replaced there; what is allowed is used."""
    packages = {module.split(".")[0] for file in modules_of(where) for module in imported(file)}
    assert packages - OURS - sys.stdlib_module_names == ROOMS[where].others


def test_only_the_registry_of_channels_knows_settings() -> None:
    """Goal: an adapter is given what it needs, so that tests and other programs can make one."""
    knowing = {
        file.name
        for file in modules_of("onhand/channels")
        if any(room_of(module) == "onhand.settings" for module in imported(file))
    }
    assert knowing == {"registry.py"}


def test_nothing_imports_the_programs() -> None:
    """Goal: what two programs need lives below both of them."""
    files = [file for where in ("onhand", "workflows", "activities") for file in modules_of(where)]
    trespassing = {
        (str(file.relative_to(ROOT)), module)
        for file in files
        if not str(file.relative_to(ROOT)).startswith(ROOTS)
        for module in imported(file)
        if any(module == root or module.startswith(f"{root}.") for root in ROOTS_ONLY)
    }
    assert trespassing == set()


@pytest.mark.parametrize("where", sorted(OURS - {"tests"}))
def test_nothing_imports_the_tests(where: str) -> None:
    """Goal: what runs, and what measures it, stands without them."""
    files = modules_of(where if (ROOT / where).is_dir() else f"{where}.py")
    assert files
    assert {file for file in files if any(m.split(".")[0] == "tests" for m in imported(file))} == set()


def test_the_web_app_loads_no_command_line() -> None:
    """Goal: the server carries neither typer nor the commands, however they might come in."""
    script = "import sys, onhand.web.app; print([m for m in sys.modules if m == 'typer' or m.startswith('onhand.cli')])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def statements_in(file: Path) -> list[str]:
    """The texts of a module that begin as a statement of SQL does."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and SQL.match(text)]


def test_sql_lives_in_sql_files() -> None:
    """Goal: every statement on the ledger can be read in one place; the exceptions are named, and none is left over."""
    folders = ("onhand", "workflows", "activities", "starter.py", "worker.py")
    files = [file for where in folders for file in modules_of(where)]
    speaking = {str(file.relative_to(ROOT)) for file in files if statements_in(file)}
    assert speaking == set(SQL_OUTSIDE)
