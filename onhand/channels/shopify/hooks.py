"""A shop's webhook subscriptions: those of our app, which are the only ones the API shows it."""

from typing import Any

from onhand.channels.base import Subscription
from onhand.channels.errors import ChannelError, RowRejected
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.order_documents import SUBSCRIBE, SUBSCRIPTIONS, UNSUBSCRIBE

ORDER_TOPICS = ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED")
"""`ORDERS_UPDATED` tells of edits, refunds and fulfilments with the whole order in it; the topics of their own name
only an id, and would cost a call each to learn the same."""
TOPICS = (*ORDER_TOPICS, "INVENTORY_LEVELS_UPDATE")
"""With levels, where the shop is the authority for a location; each of our own pushes then comes back as an echo."""

PAGES_MAX = 100
THERE_ALREADY = "already been taken"
"""How the shop words that a topic is delivered to the address: somebody else was faster."""


class ShopifyHooks:
    """Subscriptions of one shop. Shopify has no switched-off ones: after eight failures it deletes them."""

    def __init__(self, admin: Admin, *, levels: bool = True) -> None:
        self.topics: tuple[str, ...] = TOPICS if levels else ORDER_TOPICS
        self._admin = admin

    async def found(self) -> list[Subscription]:
        """Every subscription of our app; see `Hooks.found`."""
        found: list[Subscription] = []
        after: str | None = None
        for _ in range(PAGES_MAX):
            data = await self._admin.run(SUBSCRIPTIONS, {"after": after}, "list webhook subscriptions")
            page = data["webhookSubscriptions"]
            found += [Subscription(node["id"], node["topic"], node["uri"]) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        return found

    async def ensure(self, url: str) -> list[Subscription]:
        """Make what is missing; see `Hooks.ensure`."""
        there = {each.topic for each in await self.found() if each.url == url}
        for topic in self.topics:
            if topic not in there:
                await self._subscribe(topic, url)
        return await self.found()

    async def remove(self, url: str) -> int:
        """Delete every subscription that delivers to `url`."""
        ours = [each for each in await self.found() if each.url == url]
        for each in ours:
            action = f"take away the subscription to {each.topic} at {url}"
            data = await self._admin.run(UNSUBSCRIBE, {"id": each.subscription_id}, action)
            errors = data["webhookSubscriptionDelete"]["userErrors"]
            if errors and not _is_gone(errors):
                raise self._refused(action, errors, "Delete it in the app's settings.")
        return len(ours)

    async def _subscribe(self, topic: str, url: str) -> None:
        action = f"subscribe {url} to {topic}"
        data = await self._admin.run(SUBSCRIBE, {"topic": topic, "url": url}, action)
        errors = data["webhookSubscriptionCreate"]["userErrors"]
        if errors and not any(THERE_ALREADY in error["message"] for error in errors):
            raise self._refused(
                action, errors, "Shopify delivers only to public HTTPS addresses: check `web.public_url`."
            )

    def _refused(self, action: str, errors: list[dict[str, Any]], advice: str) -> ChannelError:
        said = "; ".join(error["message"] for error in errors)
        return RowRejected(self._admin.channel, action, said, advice=advice)


def _is_gone(errors: list[dict[str, Any]]) -> bool:
    """Whether it was there no more: what was wanted, done by somebody else."""
    return all("does not exist" in error["message"] for error in errors)
