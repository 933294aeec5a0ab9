"""What every benchmark is: a name, what it measures, what is hoped for, and a function that answers figures."""

import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

Figure = float | int | str | None
Figures = dict[str, Figure]
"""One flat object. A figure is None where the scale was too small to say anything."""


class BenchFailed(Exception):
    """What was to be measured did not do its work, so there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured. `scale` multiplies the sizes; `runs` None leaves the number to the benchmark."""

    scale: float = 1.0
    runs: int | None = None

    def sized(self, count: int) -> int:
        """A size at this scale, at least 1."""
        return max(1, round(count * self.scale))


@dataclass(frozen=True, slots=True)
class Goal:
    """One named figure: what it says, and the bound hoped for (`at_most` or `at_least`; neither where none was set)."""

    key: str
    says: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def bound(self) -> str:
        """The bound in words, empty where none was set."""
        if self.at_most is not None:
            return f"≤ {self.at_most:,g}"
        return "" if self.at_least is None else f"≥ {self.at_least:,g}"

    def met(self, figure: Figure) -> bool | None:
        """Whether a figure keeps to the bound; None where there is no figure or no bound."""
        if figure is None or isinstance(figure, str):
            return None
        if self.at_most is not None:
            return figure <= self.at_most
        return None if self.at_least is None else figure >= self.at_least

    def verdict(self, figure: Figure) -> str:
        """The same as one word, empty where there is nothing to judge."""
        return {True: "met", False: "missed", None: ""}[self.met(figure)]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: `about` is what the document says of it, with the other way it is compared with."""

    name: str
    about: str
    goals: Sequence[Goal]
    measure: Callable[[Options], Awaitable[Figures]]


def medians(rounds: Sequence[Mapping[str, Figure]]) -> Figures:
    """The median of each figure over several rounds; words, and figures that some round lacks, as in the last."""
    found: Figures = dict(rounds[-1])
    for key in found:
        values = [each.get(key) for each in rounds]
        numbers = [value for value in values if isinstance(value, float | int)]
        if len(numbers) == len(rounds):
            found[key] = statistics.median(numbers)
    return found


def rounded(figures: Figures) -> Figures:
    """Fit for reading: three decimals below 100, none above."""
    return {
        key: (round(value, 3) if abs(value) < 100 else round(value)) if isinstance(value, float) else value
        for key, value in figures.items()
    }


def tell(line: str) -> None:
    """Progress, for whoever waits; standard output is for the figures."""
    print(line, file=sys.stderr, flush=True)
