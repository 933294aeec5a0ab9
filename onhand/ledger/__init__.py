"""Postgres: migrations, ledger, listings, outbox and run records. The only room that speaks SQL."""
