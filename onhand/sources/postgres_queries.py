"""The statements that read somebody else's table, composed from the configured names."""

from dataclasses import dataclass, field
from typing import Literal

from psycopg.sql import SQL, Composable, Composed, Identifier
from psycopg.sql import Literal as Value

from onhand.domain.counts import CountMeaning
from onhand.sources.base import PAGE_ROWS

TWINS_MAX = 1_000
"""SKUs that stand in several rows, beyond which the table is taken for one of another kind (bins, lots)."""

Recipe = Literal["xid", "time"]


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """What a person configured about a table or view.

    `relation`: its name, with or without a schema. `location` is meant where `location_column` is
    None. `key_columns` identify a row, without NULLs; (sku, location) is best. With `xid_column`
    (xid8, kept by a trigger) reading is exact; without, it goes by `updated_at_column`:
    `safety_seconds` off the source's now, and `overlap_seconds` read again, at least as long as
    its longest writing transaction where open ones cannot be seen. `zone` is what a
    time without zone means there.
    """

    dsn: str = field(repr=False)
    relation: str
    meaning: CountMeaning = CountMeaning.AVAILABLE
    sku_column: str = "sku"
    quantity_column: str = "quantity"
    location_column: str | None = "location"
    location: str = ""
    updated_at_column: str | None = "updated_at"
    key_columns: tuple[str, ...] = ("sku", "location")
    xid_column: str | None = None
    overlap_seconds: float = 300.0
    safety_seconds: float = 5.0
    zone: str = "UTC"
    statement_timeout_seconds: float = 60.0
    page_rows: int = PAGE_ROWS

    def __post_init__(self) -> None:
        if not self.key_columns:
            raise ValueError("key_columns is empty; name the columns that identify a row")
        if self.xid_column is None and self.updated_at_column is None:
            raise ValueError(
                "give updated_at_column or xid_column; without either nothing tells what changed"
            )
        if self.location_column is None and not self.location:
            raise ValueError("give location_column, or the one location that is meant")

    @property
    def recipe(self) -> Recipe:
        """How changes are found."""
        return "time" if self.xid_column is None else "xid"


# Open transactions have fixed their now() already, also those that have written nothing yet. Vacuum
# writes no rows. For a prepared one only the moment of its preparation is known; the overlap covers
# what lies before.
_OLDEST = SQL(
    """LEAST(
    (SELECT min(xact_start) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'),
    (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()))"""
)
_FOLDED = SQL(r"regexp_replace(lower({}::text), '[\s\u00a0\u200b\u2060\ufeff]+', '', 'g')")


@dataclass(frozen=True, slots=True)
class Queries:
    """All statements for one table. Names are quoted as identifiers, values are parameters."""

    options: PostgresOptions

    @property
    def relation(self) -> Identifier:
        """The table's name, quoted."""
        return Identifier(*self.options.relation.split("."))

    def session(self) -> Composed:
        """What each transaction begins with: our limit on a statement, and times as text we can read."""
        limit = Value(str(int(self.options.statement_timeout_seconds * 1_000)))
        return SQL(
            "SELECT set_config('statement_timeout', {}, true), set_config('TimeZone', {}, true), "
            "set_config('DateStyle', 'ISO', true)"
        ).format(limit, Value(self.options.zone))

    def bounds(self) -> Composed:
        """Where a round begins and ends; parameter `before` is the last round's upper bound or None.

        Columns: now, lower (from where changes are read), last (nothing beyond it is read in this
        round), upper (below it nothing can appear any more; the next round's `before`), oldest (start
        of the oldest open transaction), receded (the source is behind the last round: restored).
        """
        if self.options.recipe == "xid":
            lower: Composable = SQL("%(before)s::xid8")
            last = SQL("pg_snapshot_xmax(pg_current_snapshot())")
            upper: Composable = SQL("pg_snapshot_xmin(pg_current_snapshot())")
        else:
            overlap, safety = Value(self.options.overlap_seconds), Value(self.options.safety_seconds)
            lower = SQL("%(before)s::timestamptz - make_interval(secs => {})").format(overlap)
            last = SQL("now()")
            safe = SQL("LEAST(now() - make_interval(secs => {}), {})").format(safety, _OLDEST)
            upper = SQL("GREATEST({}, %(before)s::timestamptz)").format(safe)
        receded = SQL("{} < {}").format(last, SQL("%(before)s") + self._bound_type())
        return SQL(
            "SELECT now()::text, ({})::text, ({})::text, ({})::text, ({})::text, coalesce({}, false)"
        ).format(lower, last, upper, _OLDEST, receded)

    def page(self, *, changes_only: bool, resumed: bool) -> Composed:
        """A page of rows: key columns, SKU, location, quantity, time, position; ordered by position.

        Without `changes_only` everything, in key order: rows whose time is NULL are in it too.
        Parameters: the bounds `lower`, `last`, then, where `resumed`, the position of the last page's last row.
        """
        position = self.position(changes_only)
        conditions: list[Composable] = []
        if changes_only:
            # A column of type date holds no time of day, so the end is included there.
            before_end = SQL("<") if self.options.recipe == "xid" else SQL("<=")
            conditions.append(SQL("{0} >= %s AND {0} {1} %s").format(self._changed(), before_end))
        if resumed:
            marks = SQL(", ").join([SQL("%s")] * len(position))
            conditions.append(SQL("({}) > ({})").format(SQL(", ").join(position), marks))
        return SQL("SELECT {} FROM {} AS r {} ORDER BY {} LIMIT {}").format(
            SQL(", ").join(self._selected(position)),
            self.relation,
            SQL("WHERE ") + SQL(" AND ").join(conditions) if conditions else SQL(""),
            SQL(", ").join(position),
            Value(self.options.page_rows),
        )

    def position(self, changes_only: bool) -> list[Composable]:
        """What rows are ordered and paged by: never a time alone, as many rows may share one.

        Qualified, because ORDER BY would take a bare name for the column of the result, which is
        text: 10 would come before 9 there, but not in the comparison that begins the next page.
        """
        keys: list[Composable] = [_column(name) for name in self.options.key_columns]
        return [self._changed(), *keys] if changes_only else keys

    def twins(self) -> Composed:
        """SKU and location pairs that stand in several rows or in spellings one typing error apart."""
        sku = _column(self.options.sku_column)
        place = SQL("btrim({}::text)").format(self._location())
        return SQL(
            "SELECT min({sku}::text), max({sku}::text), {place}, count(*) FROM {relation} AS r "
            "GROUP BY {folded}, {place} HAVING count(*) > 1 ORDER BY 1, 3 LIMIT {most}"
        ).format(
            sku=sku,
            place=place,
            relation=self.relation,
            folded=_FOLDED.format(sku),
            most=Value(TWINS_MAX + 1),
        )

    def nulls(self) -> Composed:
        """Whether any row lacks a part of what reading goes by, and would never be seen."""
        parts = [SQL("{} IS NULL").format(name) for name in self.position(changes_only=True)]
        condition = SQL(" OR ").join(parts)
        return SQL("SELECT EXISTS (SELECT 1 FROM {} AS r WHERE {})").format(self.relation, condition)

    def lacks_index(self) -> Composed:
        """Whether it is a table none of whose indexes begins with the column changes are found by."""
        return SQL(
            "SELECT relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM pg_index JOIN pg_attribute "
            "ON attrelid = indrelid AND attnum = indkey[0] WHERE indrelid = pg_class.oid AND attname = {}) "
            "FROM pg_class WHERE oid = {}::regclass"
        ).format(
            Value(self.options.xid_column or self.options.updated_at_column),
            Value(self.relation.as_string()),
        )

    def repeated_key(self) -> Composed:
        """One key that stands in several rows: pages would lose rows where one ends between them."""
        names = [_column(name) for name in self.options.key_columns]
        keys, shown = SQL(", ").join(names), SQL(", ").join(name + SQL("::text") for name in names)
        return SQL("SELECT {} FROM {} AS r GROUP BY {} HAVING count(*) > 1 LIMIT 1").format(
            shown, self.relation, keys
        )

    def columns(self) -> Composed:
        """No rows, all columns: their names and types show whether the configuration fits."""
        selected = self._selected(self.position(changes_only=True), cast=False)
        return SQL("SELECT {} FROM {} AS r LIMIT 0").format(SQL(", ").join(selected), self.relation)

    def _selected(self, position: list[Composable], cast: bool = True) -> list[Composable]:
        text = SQL("::text") if cast else SQL("")
        updated = self.options.updated_at_column
        return [
            *[_column(name) + text for name in self.options.key_columns],
            _column(self.options.sku_column) + text,
            self._location() + text,
            _column(self.options.quantity_column),
            SQL("NULL::text") if updated is None else _column(updated) + text,
            *[part + text for part in position],
        ]

    def _changed(self) -> Identifier:
        name = self.options.xid_column or self.options.updated_at_column
        assert name is not None, "the options require one of the two"
        return _column(name)

    def _location(self) -> Composable:
        column = self.options.location_column
        return SQL("NULL") if column is None else _column(column)

    def _bound_type(self) -> SQL:
        return SQL("::xid8") if self.options.recipe == "xid" else SQL("::timestamptz")


def _column(name: str) -> Identifier:
    """A column of the table, which every statement calls r."""
    return Identifier("r", name)
