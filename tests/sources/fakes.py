"""What the tests of sources share: a directory of SKUs in memory, and readers that take everything."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

from onhand.sources.base import Page, SkuFacts, Source, StockRow, Watermark

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Directory:
    """A SkuDirectory that knows the SKUs it is given, or (`anything`) every SKU; it counts the questions."""

    def __init__(
        self, *codes: str, anything: bool = False, locations: Sequence[str] = ("leeds", "london")
    ) -> None:
        self.facts = {code: SkuFacts() for code in codes}
        self.locations = frozenset(locations)
        self.questions: list[int] = []
        self._anything = anything

    async def look_up(self, codes: Sequence[str]) -> Mapping[str, SkuFacts]:
        """See SkuDirectory."""
        self.questions.append(len(codes))
        if self._anything:
            return dict.fromkeys(codes, SkuFacts())
        return {code: self.facts[code] for code in codes if code in self.facts}


async def read(source: Source, since: Watermark | None = None, known: Directory | None = None) -> list[Page]:
    """All pages of one reading."""
    directory = known or Directory(anything=True)
    return [page async for page in source.pages(since, directory)]


def rows(pages: Sequence[Page]) -> list[tuple[str, str, int]]:
    """The good rows of all pages, in short."""
    return [(row.sku, row.location, row.quantity) for row in stock(pages)]


def stock(pages: Sequence[Page]) -> list[StockRow]:
    """The good rows of all pages."""
    return [row for page in pages for row in page.rows]


def bad(pages: Sequence[Page]) -> list[tuple[str, str]]:
    """Kind and message of all refused rows."""
    return [(row.problem.value, row.message) for page in pages for row in page.bad_rows]


async def first(pages: AsyncIterator[Page]) -> Page:
    """The first page of a reading that goes on."""
    return await anext(pages)
