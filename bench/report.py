"""docs/benchmarks.md: one section for each benchmark, replaced whenever that one is measured in full."""

import re
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Benchmark, Figure, Figures
from bench.machine import machine

PATH = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`. Each figure is the median of its runs, and compares with another way in the same run.
They are measured, not promised: a goal that was missed says so.
"""


def section(benchmark: Benchmark, figures: Figures, command: str) -> str:
    """The section of one benchmark: what it is, where it was measured, goals first, then everything else."""
    goals = {goal.key: goal for goal in benchmark.goals}
    named = [
        f"| `{key}` | {goal.says} | {words(figures.get(key))} | {goal.bound} | {goal.verdict(figures.get(key))} |"
        for key, goal in goals.items()
    ]
    others = [f"| `{key}` | {words(figure)} |" for key, figure in figures.items() if key not in goals]
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return "\n".join(
        [
            f"## {benchmark.name}",
            "",
            benchmark.about.strip(),
            "",
            f"`{command}`, {moment}, {machine()}.",
            "",
            "| figure | says | measured | goal | |",
            "| --- | --- | --- | --- | --- |",
            *named,
            "",
            "| besides | measured |",
            "| --- | --- |",
            *others,
            "",
        ]
    )


def write(text: str, path: Path = PATH) -> None:
    """Put a section in place of the one of the same name, or at the end."""
    before = path.read_text(encoding="utf-8") if path.exists() else HEAD
    head, *sections = re.split(r"(?m)^(?=## )", before)
    found = {each.split("\n", 1)[0]: each for each in sections}
    found[text.split("\n", 1)[0]] = text
    parts = [head, *found.values()]
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def words(figure: Figure) -> str:
    """A figure for people."""
    if figure is None:
        return "too small to say"
    if isinstance(figure, str):
        return figure
    return f"{figure:,.3f}".rstrip("0").rstrip(".") if isinstance(figure, float) else f"{figure:,}"
