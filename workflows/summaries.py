"""Many channels in one summary: what happened to each, and what to do about it once for all who need the same."""

import re
from collections import Counter
from collections.abc import Mapping

ANY_CHANNEL = "CHANNEL"
"""Stands for the name of a channel in what is said to several."""


def summary_of(parts: list[str], channels: Mapping[str, str]) -> str:
    """Parts, and what is said of each channel by its name, as one line.

    Where several channels end with the same advice, but for their names, it is said once, at the end.
    """
    advice = {name: _advice(name, said) for name, said in channels.items()}
    shared = [text for text, times in Counter(advice.values()).items() if text and times > 1]
    told = [
        f"{name} {said.partition('. ')[0] if advice[name] in shared else said}"
        for name, said in channels.items()
    ]
    line = "; ".join(part.rstrip(".") for part in [*parts, *told]) + "."
    return " ".join([line, *(f"{text.rstrip('.')}." for text in shared)])


def _advice(channel: str, said: str) -> str:
    """All but the first sentence, as it could be said to any channel."""
    return re.sub(rf"(?<![\w-]){re.escape(channel)}(?![\w-])", ANY_CHANNEL, said.partition(". ")[2])
