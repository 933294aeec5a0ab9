"""What is measured, and against what. `python -m bench NAME`; each benchmark is one module of this room."""
