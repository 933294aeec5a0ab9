"""The moment a row speaks of, from text or from a database."""

from datetime import UTC, datetime, timedelta, tzinfo

from onhand.sources.codes import clean
from onhand.sources.problems import Problem, Refusal, shown

AHEAD_MAX = timedelta(minutes=5)
"""How far a stated moment may lie in the future: clocks differ, but nobody has counted tomorrow's shelf."""


def read_moment(given: str, zone: tzinfo, layout: str | None, now: datetime) -> datetime | Refusal:
    """A stated moment in UTC. `zone` is meant where the text names none; `layout` is a strptime format.

    Without a layout ISO 8601 is accepted (2026-11-21, 2026-11-21T09:30:00Z, 2026-11-21 09:30+01:00).
    """
    text = clean(given)
    if not text:
        return _refused("the time is blank; it says which later sales the number cannot know of.")
    try:
        # A layout without %z gives a naive time; the next line supplies the configured zone.
        moment = datetime.strptime(text, layout) if layout else datetime.fromisoformat(text)  # noqa: DTZ007
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        accepted = f"the configured layout {layout}" if layout else "ISO 8601 such as 2026-11-21T09:30:00Z"
        return _refused(f"{shown(text)} is not a time; {accepted} is accepted.")
    if utc > now + AHEAD_MAX:
        return _refused(f"{shown(text)} lies in the future; now is {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}.")
    return utc


def _refused(why: str) -> Refusal:
    return Refusal(Problem.BAD_TIME, why, "as_of")
