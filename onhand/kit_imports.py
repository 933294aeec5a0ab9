"""A file of kits into the ledger: each kit with a verdict, put together from all its rows.

A kit of which one row is wrong is not taken: packed without a component it would be sold where that is missing. For the
same reason nothing is taken of a file with a row that names no kit: it may be a component of any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onhand.domain.kits import composition_of
from onhand.imports import FileFormat
from onhand.ledger import kits
from onhand.ledger.database import Pool
from onhand.sources.base import BadRow, SourceUnfit
from onhand.sources.kits_file import KitRow, read_kits

LINES_MAX = 200_000
"""Most rows of one file: kits are put together in memory."""


@dataclass(slots=True)
class KitImport:
    """What became of a file: its rows, the kits that were set, those that were so already, and why others were not."""

    file: str
    rows: int = 0
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


async def import_kits(pool: Pool, path: Path, form: FileFormat) -> KitImport:
    """Set the kits of a file; others stay as they are. Their listings are told by the next sync run.

    Saying a file again changes nothing. Raises SourceError, and then nothing was changed.
    """
    report = KitImport(path.name)
    by_kit: dict[str, list[KitRow]] = {}
    async for page in read_kits(path, delimiter=form.delimiter, encoding=form.encoding):
        _require_kits(page.bad_rows)
        report.rows += len(page.rows)
        if report.rows > LINES_MAX:
            raise SourceUnfit(
                f"{path.name} has more than {LINES_MAX:,} rows; nothing was changed",
                "Split it; a kit has to stand in one file with all its components.",
            )
        for row in page.rows:
            by_kit.setdefault(row.kit, []).append(row)
    report.refused = {kit: said for kit, rows in by_kit.items() if (said := _problem(rows))}
    wanted = {
        kit: composition_of({row.component: row.quantity for row in rows})
        for kit, rows in by_kit.items()
        if kit not in report.refused
    }
    done = await kits.set_kits(pool, wanted, live=False)
    report.changed, report.unchanged = done.changed, done.unchanged
    report.refused |= done.refused
    return report


def _require_kits(bad_rows: Sequence[BadRow]) -> None:
    if bad_rows:
        raise SourceUnfit(
            f"{bad_rows[0].message} As it may belong to any kit, nothing of the file was taken",
            "Mend the row, or take it out.",
        )


def _problem(rows: Sequence[KitRow]) -> str:
    """Why a kit cannot be put together from its rows; empty where it can."""
    wrong = next((row.problem for row in rows if row.problem), "")
    if wrong:
        return f"kit {rows[0].kit}: {wrong.strip()}"
    seen: dict[str, KitRow] = {}
    for row in rows:
        first = seen.setdefault(row.component, row)
        if first is not row:
            return f"kit {row.kit}: {row.component} stands on {first.origin} and on {row.origin}; keep one"
    return ""
