"""Onhand keeps stock right on every sales channel at once."""

__version__ = "0.1.0"
