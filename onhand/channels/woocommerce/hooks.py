"""Our webhooks in a shop: found by their names, made, switched on again, taken away.

All writing goes by one batch call: POST is what firewalls let through, where they often stop PUT and DELETE.
"""

from collections.abc import Sequence
from typing import Any

from onhand.channels.base import Subscription
from onhand.channels.errors import ChannelDown, CredentialsBad, RowRejected
from onhand.channels.http import words_of
from onhand.channels.woocommerce.reads import rows_of
from onhand.channels.woocommerce.rows import Row
from onhand.channels.woocommerce.site import ROWS_MAX, Answer, Site

ORDER_TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
TOPICS = (*ORDER_TOPICS, "product.updated")
"""With levels, where the shop is the authority for a location; each of our own pushes then comes back as an echo."""
NAME = "Onhand"
"""How the names of our webhooks begin, by which those are known that deliver to another address than ours is now."""
FIELDS = "id,name,status,topic,delivery_url"
PAGES_MAX = 100
WHY_OFF = {
    "disabled": "WooCommerce switched it off after several deliveries in a row failed",
    "paused": "somebody paused it in the shop",
}
SECRET_ADVICE = (
    "Set webhook_secret_envs to a variable with letters and digits only, for instance from `openssl rand -hex 32`: "
    "WooCommerce decodes a secret as HTML before it signs, so other characters may sign differently there than here."
)
REFUSED_ADVICE = "See what the shop said; it takes only addresses it can reach (https, no private network)."


class WooCommerceHooks:
    """The `Hooks` of one shop. `secret` is what deliveries shall be signed with; empty where none is configured."""

    def __init__(self, site: Site, secret: str, *, levels: bool = True) -> None:
        self.topics: tuple[str, ...] = TOPICS if levels else ORDER_TOPICS
        self._site = site
        self._secret = secret

    async def found(self) -> list[Subscription]:
        """Every webhook with our name, also those that are switched off."""
        return [_subscription(row) for row in await self._rows() if str(row.get("name")).startswith(NAME)]

    async def ensure(self, url: str) -> list[Subscription]:
        """Make every topic deliver to `url`, active, signed with our secret, once; also by webhooks a person made.

        Sets the secret anew even where all is well, for a shop never tells what it signs with. Raises CredentialsBad
        where the secret is missing or not of letters and digits.
        """
        self._check_secret()
        there = await self._delivering_to(url)
        kept = {each.topic: each for each in reversed(there) if each.topic in self.topics}
        body: dict[str, list[Any]] = {
            "create": [self._wanted(topic, url) for topic in self.topics if topic not in kept],
            "update": [
                {"id": int(each.subscription_id), "status": "active", "secret": self._secret}
                for each in kept.values()
            ],
            "delete": [int(each.subscription_id) for each in there if each is not kept.get(each.topic)],
        }
        await self._batch(f"subscribing {url}", body)
        return await self._delivering_to(url)

    async def remove(self, url: str) -> int:
        """Take away all that deliver to `url`, whatever their names."""
        numbers = [int(each.subscription_id) for each in await self._delivering_to(url)]
        for start in range(0, len(numbers), ROWS_MAX):
            await self._batch(f"unsubscribing {url}", {"delete": numbers[start : start + ROWS_MAX]})
        return len(numbers)

    def _check_secret(self) -> None:
        if not self._secret:
            raise CredentialsBad(
                self._site.name, "subscribing", "no webhook secret is configured", advice=SECRET_ADVICE
            )
        if not (self._secret.isascii() and self._secret.isalnum()):
            said = "the webhook secret holds other characters than letters and digits"
            raise CredentialsBad(self._site.name, "subscribing", said, advice=SECRET_ADVICE)

    def _wanted(self, topic: str, url: str) -> Row:
        return {
            "name": f"{NAME} {topic}",
            "topic": topic,
            "delivery_url": url,
            "secret": self._secret,
            "status": "active",
        }

    async def _delivering_to(self, url: str) -> list[Subscription]:
        return [each for each in map(_subscription, await self._rows()) if each.url == url]

    async def _rows(self) -> list[Row]:
        rows: list[Row] = []
        for page in range(1, PAGES_MAX + 1):
            doing = f"listing webhooks by GET /webhooks, page {page}"
            asked: dict[str, str | int] = {
                "page": page,
                "per_page": ROWS_MAX,
                "orderby": "id",
                "order": "asc",
            }
            answer = await self._site.get(doing, "/webhooks", {**asked, "status": "all", "_fields": FIELDS})
            found = rows_of(self._site.name, doing, answer)
            rows += found
            if len(found) < ROWS_MAX:
                break
        return rows

    async def _batch(self, doing: str, body: dict[str, list[Any]]) -> None:
        """Send what there is to do; raises RowRejected for the first entry the shop refused."""
        asked = {kind: entries for kind, entries in body.items() if entries}
        answer = await self._site.post(f"{doing} by POST /webhooks/batch", "/webhooks/batch", asked)
        for kind in asked:
            for entry in _entries(self._site, doing, kind, answer):
                self._judge(doing, entry)

    def _judge(self, doing: str, entry: Any) -> None:
        error = entry.get("error") if isinstance(entry, dict) else {"message": str(entry)}
        if isinstance(error, dict):
            said = self._site.clean(f"{error.get('code', '')}: {error.get('message', '')}")
            raise RowRejected(self._site.name, doing, words_of(said), advice=REFUSED_ADVICE)


def _entries(site: Site, doing: str, kind: str, answer: Answer) -> Sequence[Any]:
    entries = answer.body.get(kind) if isinstance(answer.body, dict) else None
    if not isinstance(entries, list):
        raise ChannelDown(
            site.name,
            doing,
            f"the answer holds no list {kind!r}: {site.clean(str(answer.body))[:100]!r}",
            advice="A plugin or proxy strips our body or the shop's answer: let /wp-json/wc/v3 pass untouched.",
            status=200,
        )
    return entries


def _subscription(row: Row) -> Subscription:
    status = str(row.get("status"))
    return Subscription(
        subscription_id=str(row.get("id")),
        topic=str(row.get("topic")),
        url=str(row.get("delivery_url")),
        active=status == "active",
        problem="" if status == "active" else WHY_OFF.get(status, f"its status is {status!r}"),
    )
