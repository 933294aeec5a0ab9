"""Fixtures by concern: each `fix_*.py` holds one topic. What takes longest is begun first."""

import pytest

LONG = ("chaos", "bench", "acceptance", "workflows", "faults", "reconcile", "sandbox", "cli", "web")
"""Rooms of tests that start servers or wait for them, the longest first."""

# A module that imports another one of these comes after it.
pytest_plugins = [
    "tests.fix_channels",
    "tests.fix_embedded",
    "tests.fix_ledger",
    "tests.fix_kits",
    "tests.fix_selling",
    "tests.fix_shopify",
    "tests.fix_workflows",
    "tests.fix_live",
    "tests.fix_acceptance",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process is left alone with it at the end."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    room = item.path.parent.name
    return LONG.index(room) if room in LONG else len(LONG)
