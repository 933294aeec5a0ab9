"""Orchestration only: deterministic, no I/O. One file per process."""
