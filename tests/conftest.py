"""Fixtures by concern: each `fix_*.py` holds one topic."""

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
