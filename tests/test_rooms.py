"""Which room may import which: read from the source, so that an import through the wall fails here."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "onhand/domain": set(),
    "onhand/sandbox": set(),
    "onhand/embedded": {"redaction"},
    "onhand/ledger": {"domain"},
    "onhand/channels": {"redaction", "settings"},
    "onhand/sources": {"domain", "redaction", "settings"},
    "onhand/alerts": {"ledger", "settings"},
    "onhand/explain": {"domain", "ledger", "wording"},
    "onhand/web": {"connect", "domain", "embedded", "explain", "ledger", "log", "redaction", "settings"},
    "workflows": {"domain", "messages"},
}
"""What of onhand, besides itself, a room may use. The rooms not listed put others together."""

ROOTS_ONLY = {"onhand.cli", "onhand.web", "starter", "worker"}
"""Nothing imports these but themselves and the programs that start them."""
ROOTS = ("onhand/cli", "onhand/web", "onhand/embedded", "starter.py", "worker.py")


def imported(file: Path) -> set[str]:
    """Every module a file names in an import, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{file}: imports are absolute"
            found.update({node.module, *(f"{node.module}.{name.name}" for name in node.names)})
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_what_it_may(room: str) -> None:
    """Goal: the arrows point one way, as design.md draws them."""
    own = room.split("/")[-1]
    files = list((ROOT / room).rglob("*.py"))
    assert files
    used = {
        (parts[1], str(file.relative_to(ROOT)))
        for file in files
        for parts in (module.split(".") for module in imported(file))
        if parts[0] == "onhand" and len(parts) > 1
    }
    assert {(other, file) for other, file in used if other not in MAY_IMPORT[room] | {own}} == set()


def test_nothing_imports_the_programs() -> None:
    """Goal: what two programs need lives below both of them."""
    files = [*(ROOT / "onhand").rglob("*.py"), *ROOT.glob("workflows/*.py"), *ROOT.glob("activities/*.py")]
    trespassing = {
        (str(file.relative_to(ROOT)), module)
        for file in files
        if not str(file.relative_to(ROOT)).startswith(ROOTS)
        for module in imported(file)
        if any(module == root or module.startswith(f"{root}.") for root in ROOTS_ONLY)
    }
    assert trespassing == set()


def test_the_web_app_loads_no_command_line() -> None:
    """Goal: the server carries neither typer nor the commands, however they might come in."""
    script = "import sys, onhand.web.app; print([m for m in sys.modules if m == 'typer' or m.startswith('onhand.cli')])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
