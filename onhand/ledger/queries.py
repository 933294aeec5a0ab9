"""Every statement the program can run, by name, read from the .sql files in the folder beside this module.

A query is introduced by `-- name: what_it_does` and a line saying what it is for; it ends at the next.
"""

import re
from functools import cache
from importlib import resources

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _all() -> dict[str, str]:
    queries: dict[str, str] = {}
    for file in sorted(resources.files("onhand.ledger").joinpath("queries").iterdir(), key=lambda f: f.name):
        parts = _HEADING.split(file.read_text())
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            assert name not in queries, f"query {name} is defined twice"
            queries[name] = text.strip()
    return queries


def query(name: str) -> str:
    """The text of a named query; parameters are written `%(name)s` in it."""
    return _all()[name]
