"""Numbers and times as people say them."""

from datetime import UTC, datetime

JUST_NOW_SECONDS = 5


def count(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: "1 row", "1,200 rows"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def signed(number: int) -> str:
    """A change: "+5", "-3", "0"."""
    return f"{number:+,}" if number else "0"


def says(summary: str, message: str) -> bool:
    """Whether a summary of many has what this message of one says, and so what it advises, too."""
    return message.partition(". ")[0].rstrip(".") in summary


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, as people say it; `now` is given where several times are told in one answer."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < -1:
        return f"in {duration(-seconds)}"
    return "just now" if seconds < JUST_NOW_SECONDS else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """A stretch of time with at most two units: "350 ms", "12 s", "3 min 5 s", "2 h 10 min", "5 d 3 h"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for unit, size, smaller, part in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def moment(at: datetime | None) -> str:
    """A moment in the operator's own time zone."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
