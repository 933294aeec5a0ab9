"""Whether a shop is fit for Onhand: who we are there, and the settings that would make a level meaningless."""

from onhand.channels.base import Finding
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad
from onhand.channels.woocommerce.rows import OPTION_ADVICE
from onhand.channels.woocommerce.site import Answer, Json, Site

OLDEST = (8, 0)
"""The oldest core version whose behaviour was read in its source."""
VARIATIONS_SINCE = (10, 3)
CACHE_ADVICE = "Exclude /wp-json/ from the page cache or CDN: a cached stock level is an old one."
PROBE: dict[str, str | int] = {"per_page": 1, "_fields": "id", "_": "onhand-check"}
"""The same query twice: a cache that would answer our reads answers the second."""


async def check(site: Site) -> list[Finding]:
    """What was looked at, whether it is well, what to do. Changes nothing in the shop."""
    try:
        await site.get("reading one product", "/products", PROBE)
        again = await site.get("reading one product", "/products", PROBE)
    except ChannelError as error:
        return [Finding(_subject(error), False, str(error), error.advice)]
    return [
        Finding("reachable", True, "the REST API wc/v3 answers, and takes the key for reading"),
        await _may_write(site),
        await _manages_stock(site),
        await _version(site),
        _cache(again),
    ]


async def _may_write(site: Site) -> Finding:
    """An empty batch passes the same permission check as a full one, and writes nothing."""
    try:
        await site.post("sending an empty batch", "/products/batch", {"update": []})
    except ChannelError as error:
        return Finding("permission", False, str(error), error.advice)
    return Finding("permission", True, "the key may write products (an empty batch was taken)")


async def _manages_stock(site: Site) -> Finding:
    doing, path = "reading the option woocommerce_manage_stock", "/settings/products/woocommerce_manage_stock"
    try:
        answer = await site.get(doing, path)
    except ChannelError as error:
        return Finding("stock management", False, str(error), error.advice)
    value = _field(answer.body, "value")
    if value == "yes":
        return Finding("stock management", True, "the shop manages stock")
    said = f"the option woocommerce_manage_stock is {value!r}: every level is taken with a 200 and ignored"
    return Finding("stock management", False, said, OPTION_ADVICE)


async def _version(site: Site) -> Finding:
    doing = "reading the version by GET /system_status"
    try:
        answer = await site.get(doing, "/system_status", {"_fields": "environment"})
    except ChannelError as error:
        return Finding("version", False, str(error), error.advice)
    text = str(_field(_field(answer.body, "environment"), "version") or "")
    version = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if version < OLDEST:
        return Finding(
            "version", False, f"WooCommerce {text or 'of unknown version'}", "Update it to 8.0 or newer."
        )
    if version < VARIATIONS_SINCE:
        said = f"WooCommerce {text}: before 10.3 reading variations costs one call for each variable product"
        return Finding("version", True, said, "Update it if reconciliation takes too long.")
    return Finding("version", True, f"WooCommerce {text}")


def _cache(answer: Answer) -> Finding:
    marks = {name: answer.headers.get(name, "") for name in ("age", "x-cache", "cf-cache-status")}
    hits = {
        name: value for name, value in marks.items() if "HIT" in value.upper() or value.strip("0").isdecimal()
    }
    if hits:
        said = ", ".join(f"{name}: {value}" for name, value in hits.items())
        return Finding("caching", False, f"the shop's answers come from a cache ({said})", CACHE_ADVICE)
    return Finding("caching", True, "answers come from the shop itself")


def _subject(error: ChannelError) -> str:
    if isinstance(error, CredentialsBad):
        return "credentials"
    return "permalinks" if isinstance(error, ChannelDown) and "rest_no_route" in error.said else "reachable"


def _field(body: Json, name: str) -> Json:
    return body.get(name) if isinstance(body, dict) else None
