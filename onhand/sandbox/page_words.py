"""Words that all pages of the sandbox use."""

import re
import time
from html import escape, unescape

EMOJI = {
    "chart_with_upwards_trend": "📈",
    "hourglass": "⌛",
    "mag": "🔍",
    "package": "📦",
    "raised_hand": "✋",
    "rotating_light": "🚨",
    "warning": "⚠️",
    "white_check_mark": "✅",
    "x": "❌",
}
"""Slack's names of those that messages hold; another is shown by its name."""

_EMOJI_NAME = re.compile(r":([a-z_]+):")
_CODE = re.compile(r"`([^`\n]+)`")
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")


def ago(at: float) -> str:
    """How long ago a moment (seconds since the epoch) was."""
    seconds = max(0, int(time.time() - at))
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3_600 else f"{seconds // 3_600} h ago"


def counted(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def as_slack_shows(text: str) -> str:
    """A message's text as HTML: emoji by their names, *bold*, and `what can be typed`."""
    named = _EMOJI_NAME.sub(lambda found: EMOJI.get(found[1], found[0]), escape(unescape(text), quote=False))
    return _BOLD.sub(r"<b>\1</b>", _CODE.sub(r"<code>\1</code>", named))
