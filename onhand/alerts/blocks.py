"""Slack's Block Kit, the few blocks that are needed, each within Slack's limits whatever text it is given."""

from collections.abc import Iterable, Sequence
from typing import Any

Block = dict[str, Any]

BLOCKS_MAX = 50
HEADER_CHARACTERS_MAX = 150
SECTION_CHARACTERS_MAX = 3_000
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mention, link or entity can be made of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, limit: int) -> str:
    """The text escaped, and cut so that what is sent has at most `limit` characters and no half entity."""
    escaped = escape(text)
    if len(escaped) <= limit:
        return escaped
    kept: list[str] = []
    left = limit - len(ELLIPSIS)
    for character in text:
        spelled = escape(character)
        left -= len(spelled)
        if left < 0:
            break
        kept.append(spelled)
    return "".join(kept) + ELLIPSIS


def code(text: str, limit: int = 200) -> str:
    """Text as code; a back-tick in it would end the code."""
    return f"`{clip(' '.join(text.split()).replace('`', chr(39)), limit)}`"


def header(text: str) -> Block:
    """A headline. It is plain text, where Slack shows `<` as it stands."""
    shown = text if len(text) <= HEADER_CHARACTERS_MAX else text[: HEADER_CHARACTERS_MAX - 1] + ELLIPSIS
    return {"type": "header", "text": {"type": "plain_text", "text": shown, "emoji": True}}


def section(markup: str) -> Block:
    """A paragraph of Slack markup; its parts were escaped and cut by whoever put them together."""
    assert len(markup) <= SECTION_CHARACTERS_MAX, "cut the parts before they are put together"
    return {"type": "section", "text": {"type": "mrkdwn", "text": markup}}


def context(markup: str) -> Block:
    """A small line below the rest."""
    assert len(markup) <= SECTION_CHARACTERS_MAX, "cut the parts before they are put together"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": markup}]}


def listed(title: str, lines: Iterable[str], more: int) -> Block:
    """A list in one paragraph: as many lines as it holds, and how many are missing (`more` beyond those)."""
    room = SECTION_CHARACTERS_MAX - len(title) - len("\nand 1,000,000 more")
    taken: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            more += 1
        else:
            taken.append(line)
    if more:
        taken.append(f"and {more:,} more")
    return section("\n".join([title, *taken]))


def fitting(first: Sequence[Block], middle: Sequence[Block], last: Sequence[Block]) -> list[Block]:
    """All blocks within Slack's limit; where they are too many, the end of `middle` is told in one line."""
    room = BLOCKS_MAX - len(first) - len(last)
    if len(middle) > room:
        middle = [*middle[: room - 1], section(f"and {len(middle) - room + 1:,} more channels")]
    return [*first, *middle, *last]
