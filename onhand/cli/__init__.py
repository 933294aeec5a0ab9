"""The operator's command line: one module for each group of commands; `starter.py` puts them together."""
