"""Fixtures by concern: each `fix_*.py` holds one topic."""

pytest_plugins = ["tests.fix_channels", "tests.fix_embedded"]
