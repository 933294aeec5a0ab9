"""The SKU somebody named, or what may have been meant."""

from onhand.ledger import stock
from onhand.ledger.database import Pool
from onhand.ledger.stock import SkuCard


class UnknownSkuError(Exception):
    """No SKU has this code. `advice` says which may have been meant, or how to get one."""

    def __init__(self, message: str, advice: str) -> None:
        self.message = message
        self.advice = advice
        super().__init__(message)


async def known_sku(pool: Pool, sku: str) -> SkuCard:
    """The SKU of that code. Raises UnknownSkuError."""
    card = await stock.sku_card(pool, sku)
    if card is not None:
        return card
    near = await stock.similar_skus(pool, sku)
    meant = ", ".join(f"{code} ({name})" if name else code for code, name in near)
    raise UnknownSkuError(
        f"there is no SKU {sku!r}",
        f"Did you mean {meant}?" if meant else "Import it first: onhand import catalogue FILE",
    )
