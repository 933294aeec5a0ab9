"""Fixtures by concern: each `fix_*.py` holds one topic."""

pytest_plugins = ["tests.fix_channels", "tests.fix_embedded", "tests.fix_ledger", "tests.fix_workflows"]
