"""What a run or a read-back may be asked for: channels that are switched on, and SKUs that exist."""

from collections.abc import Sequence

from temporalio.exceptions import ApplicationError

from onhand.ledger import catalogue
from onhand.ledger.database import Pool
from onhand.settings import Settings


def asked_channels(settings: Settings, asked: Sequence[str] | None) -> list[str]:
    """The channels asked for, or all that are switched on. Raises ApplicationError for one that is not."""
    enabled = settings.enabled_channels()
    unknown = sorted(set(asked or ()) - set(enabled))
    if unknown:
        raise ApplicationError(
            f"no enabled channel is called {', '.join(unknown)}; there are {', '.join(enabled)}",
            type="UnknownChannel",
            non_retryable=True,
        )
    return [name for name in enabled if asked is None or name in asked]


async def require_skus(pool: Pool, asked: Sequence[str] | None) -> None:
    """Raises ApplicationError for SKUs that do not exist."""
    unknown = sorted(set(asked or ()) - set(await catalogue.sku_facts(pool, list(asked or ()))))
    if unknown:
        raise ApplicationError(
            f"there is no SKU {', '.join(unknown[:5])}; see 'onhand stock show SKU' for near matches",
            type="UnknownSku",
            non_retryable=True,
        )
