"""The real program as a user runs it: real processes, servers, files and signals; nothing is patched."""
