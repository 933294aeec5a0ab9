"""Fixtures: real servers, started once for the whole run."""
