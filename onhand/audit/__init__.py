"""The audit: whether the record is as it must be, by code that shares nothing with the code that wrote it.

What is asked of the database in SQL is asked once more of the raw rows by a fold in Python, so that neither a wrong
statement nor a wrong fold lets a mistake pass. Everything is read in one snapshot, beside traffic, in memory that does
not grow with the ledger.
"""

from onhand.audit.report import Report, audit

__all__ = ["Report", "audit"]
