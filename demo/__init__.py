"""The demo's sample data, and what makes it."""
