"""Embedded servers: a real PostgreSQL and a real Temporal on loopback, and the supervisor that keeps them up."""
