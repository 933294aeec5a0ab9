"""Webhook subscriptions by the API: listed, made and deleted; deliveries go to HTTPS, or to this machine."""

from typing import Any
from urllib.parse import urlsplit

from onhand.sandbox.shopify.call import Call, pick
from onhand.sandbox.shopify.documents import Field
from onhand.sandbox.shopify.ids import PREFIX, number
from onhand.sandbox.shopify.paging import list_page
from onhand.sandbox.shopify.payloads import Payload, payload
from onhand.sandbox.wire import Subscription

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
"""Where plain HTTP is let through; the platform takes HTTPS only, and could not reach these."""


def subscriptions(call: Call, _: None, field: Field) -> dict[str, Any]:
    """The app's subscriptions, oldest first."""
    arguments = field.arguments(call.variables)
    topics, uri = arguments.get("topics"), arguments.get("uri")
    found = [
        each
        for each in call.subscriptions.by_id.values()
        if (not topics or each.topic in topics) and (uri is None or each.url == uri)
    ]
    selection = field.sub("nodes")
    return list_page(call, field, "WebhookSubscription", found, lambda each: _show(each, selection))


def subscribe(call: Call, _: None, field: Field) -> Payload:
    """`webhookSubscriptionCreate`: signed with the app's client secret, whoever subscribes."""
    arguments = field.arguments(call.variables)
    topic, given = str(arguments["topic"]), arguments["webhookSubscription"]
    uri = str(given.get("uri") or "")
    if refused := _refused(call, topic, uri, given):
        error = {"field": ["webhookSubscription", "callbackUrl"], "message": refused}
        return payload(field, [error], lambda child: None)
    made = call.subscriptions.add(topic, uri)
    return payload(field, [], lambda child: _show(made, child.selection))


def unsubscribe(call: Call, _: None, field: Field) -> Payload:
    """`webhookSubscriptionDelete`."""
    gid = str(field.arguments(call.variables)["id"])
    gone = call.subscriptions.by_id.pop(number(gid, "WebhookSubscription"), None)
    errors = [] if gone else [{"field": ["id"], "message": "Webhook subscription does not exist"}]
    return payload(field, errors, lambda child: gid if gone else None)


def _refused(call: Call, topic: str, uri: str, given: dict[str, Any]) -> str:
    address = urlsplit(uri)
    if not address.hostname or (address.scheme != "https" and address.hostname not in LOOPBACK):
        return "Address protocol http:// is not supported" if address.hostname else "Address can't be blank"
    if given.get("format") not in (None, "JSON") or given.get("filter") or given.get("includeFields"):
        return "the sandbox delivers whole payloads as JSON only"
    if any((each.topic, each.url) == (topic, uri) for each in call.subscriptions.by_id.values()):
        return "Address for this topic has already been taken"
    return ""


def _show(subscription: Subscription, selection: tuple[Field, ...]) -> dict[str, Any]:
    values = {
        "format": "JSON",
        "id": f"{PREFIX}WebhookSubscription/{subscription.subscription_id}",
        "legacyResourceId": subscription.subscription_id,
        "topic": subscription.topic,
        "uri": subscription.url,
    }
    return pick("WebhookSubscription", values, selection)
