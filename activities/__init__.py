"""The I/O steps of the workflows: thin, idempotent, each calling one or two rooms of onhand."""
