"""Chance that can be repeated: numbers that follow from a seed, a purpose and a count, and from nothing else."""

from hashlib import blake2b

SCALE = 2.0**64


def drawn(seed: int, what: str, number: int | str) -> float:
    """A number from 0 up to 1: always the same for the same three."""
    digest = blake2b(f"{seed} {what} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / SCALE
