"""Products taken out of shoppers' sight and shown again. Shopify hides whole products, never a variant alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from onhand.channels.base import ItemRef
from onhand.channels.errors import CredentialsBad
from onhand.channels.shopify.admin import CALLS_AT_ONCE, Admin
from onhand.channels.shopify.catalogue_documents import PRODUCTS_OF_ITEMS, UPDATE_PRODUCT
from onhand.channels.shopify.ids import ITEM_GID
from onhand.channels.shopify.walk import HIDDEN_STATUSES
from onhand.channels.together import each

ITEMS_PER_CALL = 100
"""About 600 points; one query may cost 1,000."""

DRAFT = "DRAFT"
MARK = "onhand-was-"
"""How the tag begins by which a product is known again that we have hidden; it ends in the status to go back to."""

REVOKED = 401

Product = dict[str, Any]


class Hiding:
    """Makes products drafts and back. Needs the scope write_products; where that is missing, nothing can be hidden."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        """See `Channel.set_hidden`.

        A product is hidden where all its variants are among the items. Shown again is a draft that bears our tag; one
        without it is the merchant's own, and so is what he has archived since.
        """
        try:
            return await self._set_hidden(items, hidden)
        except CredentialsBad as error:
            if error.status == REVOKED:
                raise
            return []  # the scope is missing, which takes nothing from the levels

    async def _set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        wanted = [item for item in items if ITEM_GID.fullmatch(item.item_id)]
        product_of = await self._products(dict.fromkeys(item.item_id for item in wanted))
        products = {product["id"]: product for product in product_of.values()}
        named = Counter(product["id"] for product in product_of.values())
        whole = [one for one in products.values() if named[one["id"]] >= int(one["variantsCount"]["count"])]

        async def turn(product: Product) -> bool:
            return await (self._hide(product) if hidden else self._show(product))

        done = await each(whole, turn, at_once=CALLS_AT_ONCE)
        turned = {product["id"] for product, ok in zip(whole, done, strict=True) if ok}
        return [item for item in wanted if (found := product_of.get(item.item_id)) and found["id"] in turned]

    async def _products(self, item_ids: Iterable[str]) -> dict[str, Product]:
        """The product of each item that is there."""
        ids = list(item_ids)
        parts = [ids[start : start + ITEMS_PER_CALL] for start in range(0, len(ids), ITEMS_PER_CALL)]
        found: dict[str, Product] = {}
        for part in parts:
            action = f"find the products of {len(part)} items, {part[0]} to {part[-1]}"
            data = await self._admin.run(PRODUCTS_OF_ITEMS, {"ids": part}, action, units=len(part))
            for node in data["nodes"]:
                for variant in node["variants"]["nodes"] if node else ():
                    found[node["id"]] = variant["product"]
        return found

    async def _hide(self, product: Product) -> bool:
        if product["status"] in HIDDEN_STATUSES:
            return any(tag.startswith(MARK) for tag in product["tags"])
        mark = f"{MARK}{product['status'].lower()}"
        return await self._update(product, DRAFT, [*product["tags"], mark])

    async def _show(self, product: Product) -> bool:
        marks = [tag for tag in product["tags"] if tag.startswith(MARK)]
        if not marks:
            return True
        ours = product["status"] == DRAFT
        status = marks[0].removeprefix(MARK).upper() if ours else product["status"]
        return await self._update(product, status, [tag for tag in product["tags"] if tag not in marks])

    async def _update(self, product: Product, status: str, tags: list[str]) -> bool:
        """Status and tag in one call, so that neither is ever without the other; False where the shop refuses."""
        given = {"id": product["id"], "status": status, "tags": tags}
        action = f"make product {product['id']} {status.lower()}"
        data = await self._admin.run(UPDATE_PRODUCT, {"product": given}, action, urgent=True)
        return not data["productUpdate"]["userErrors"]
