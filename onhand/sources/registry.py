"""From the configuration's [source] to the source itself: the one place that knows every kind."""

from onhand.redaction import register_secret
from onhand.settings import CsvSource, LedgerSource, PostgresSource, Settings, secret
from onhand.sources.base import Source
from onhand.sources.csv_files import CsvFiles, CsvOptions
from onhand.sources.csv_stock import StockColumns
from onhand.sources.numbers import Marks
from onhand.sources.postgres import PostgresTable
from onhand.sources.postgres_queries import PostgresOptions


def make_source(settings: Settings) -> Source | None:
    """The canonical source, or None where Onhand's own ledger is the truth. Raises SettingsError."""
    match settings.source:
        case LedgerSource():
            return None
        case CsvSource() as section:
            return CsvFiles(csv_options(section))
        case PostgresSource() as section:
            dsn = secret(section.dsn_env)
            register_secret(dsn)
            return PostgresTable(_table_options(section, dsn))


def csv_options(section: CsvSource) -> CsvOptions:
    """What the reader of stock files wants to know."""
    return CsvOptions(
        path=section.path,
        meaning=section.meaning,
        columns=StockColumns(
            sku=section.sku_column,
            quantity=section.quantity_column,
            location=section.location_column,
            as_of=section.as_of_column,
        ),
        location=section.location or "",
        delimiter=section.delimiter,
        encoding=section.encoding,
        marks=Marks(section.decimal_mark, section.thousands_mark),
        duplicates=section.duplicates,
        rows_drop_max=section.rows_drop_max,
        settle_seconds=section.settle_seconds,
    )


def _table_options(section: PostgresSource, dsn: str) -> PostgresOptions:
    return PostgresOptions(
        dsn=dsn,
        relation=section.relation,
        meaning=section.meaning,
        sku_column=section.sku_column,
        quantity_column=section.quantity_column,
        location_column=section.location_column,
        location=section.location or "",
        updated_at_column=section.updated_at_column,
        key_columns=tuple(section.key_columns),
        xid_column=section.xid_column,
        overlap_seconds=section.overlap_seconds,
        safety_seconds=section.safety_seconds,
    )
