"""Where reports are kept: `reports/YYYY-MM-DD.html` in the data folder."""

import os
from datetime import date
from pathlib import Path

FOLDER = "reports"


def path_of(data_dir: Path, day: date) -> Path:
    """The file of a day's report, whether it is there or not."""
    return data_dir / FOLDER / f"{day.isoformat()}.html"


def write(data_dir: Path, day: date, text: str) -> Path:
    """Keep a report, in place of an earlier one of that day; a reader never sees half of it."""
    path = path_of(data_dir, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return path


def read(data_dir: Path, day: date) -> str | None:
    """The kept report of a day; None where there is none."""
    try:
        return path_of(data_dir, day).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def days(data_dir: Path) -> list[date]:
    """The days whose reports are kept, the newest first; other files are passed over."""
    found = []
    for path in (data_dir / FOLDER).glob("*.html"):
        try:
            found.append(date.fromisoformat(path.stem))
        except ValueError:
            continue
    return sorted(found, reverse=True)
