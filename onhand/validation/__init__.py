"""Replay validation: a history of events, fed into a ledger of its own, has to end at known totals."""
