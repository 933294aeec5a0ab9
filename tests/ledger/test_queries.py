"""The .sql files and the code that names their statements say the same."""

import re
from pathlib import Path

from onhand.ledger.queries import query

LEDGER = Path(__file__).parents[2] / "onhand" / "ledger"


def test_every_statement_is_run_and_every_name_is_known() -> None:
    """Goal: no SQL that nothing runs, and no name that fails only when somebody comes that way."""
    text = "\n".join(file.read_text() for file in (LEDGER / "queries").glob("*.sql"))
    written = set(re.findall(r"^-- name: (\w+)$", text, re.MULTILINE))
    code = "\n".join(file.read_text() for file in LEDGER.glob("*.py"))
    named = set(re.findall(r'"(\w+)"', code))
    assert written - named == set()
    for name in re.findall(r'\bquery\(\s*"(\w+)"', code) + re.findall(r'_fetch\(pool, "(\w+)"', code):
        assert query(name)
