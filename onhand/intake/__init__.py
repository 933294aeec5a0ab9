"""The way of a delivery into the ledger: from the inbox, in batches, each settled with exactly one outcome."""

from onhand.intake.take import Taken, take

__all__ = ["Taken", "take"]
