"""The webhooks of a shop: listed, made, changed, taken away, one by one or in a batch."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.wire import Subscription, Subscriptions
from onhand.sandbox.woocommerce.asking import asked_lists, asked_object, check_size
from onhand.sandbox.woocommerce.listing import Page, trimmed
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.problems import Problem, invalid_param, json_answer
from onhand.sandbox.woocommerce.stock import Row, moment_text

TOPIC = re.compile(r"(coupon|customer|order|product)\.(created|updated|deleted|restored)|action\.\w+")
STATUSES = ("active", "paused", "disabled")
WEAK_SECRET = "6d2b7d4a1c1f5e0f8a9b3c4d5e6f7a8b"
"""What a webhook signs with that was given no secret: on the platform a hash of its user's id and name."""


@dataclass(slots=True)
class Dates:
    """When a webhook was made and changed, in seconds since the epoch."""

    created_at: int
    modified_at: int


class WebhookEndpoints:
    """The webhooks of one shop. Whoever delivers counts failures; a webhook that is off because of them says disabled,
    any other paused. That a new one tries its address with a ping is the deliverer's part."""

    def __init__(
        self, subscriptions: Subscriptions, options: WooOptions, clock: Callable[[], float] = time.time
    ) -> None:
        self._subscriptions = subscriptions
        self._options = options
        self._clock = clock
        self._dates: dict[str, Dates] = {}

    async def collection(self, request: Request) -> Response:
        """GET, POST /webhooks."""
        if request.method == "POST":
            return json_answer(self._create(await asked_object(request)), 201)
        query = request.query_params
        wanted = query.get("status", "all")
        if wanted not in ("all", *STATUSES):
            raise invalid_param("status", "status is not one of all, active, paused, and disabled.")
        found = [one for one in self._subscriptions.by_id.values() if wanted in ("all", _status(one))]
        found.sort(key=lambda one: int(one.subscription_id), reverse=query.get("order", "desc") == "desc")
        page = Page(found, query)
        rows = [self._row(one) for one in page.items]
        fields = query.get("_fields")
        return json_answer(trimmed(rows, fields) if fields else rows, headers=page.headers())

    async def one_webhook(self, request: Request) -> Response:
        """GET, PUT, DELETE /webhooks/{id}."""
        number = request.path_params["id"]
        if request.method == "GET":
            return json_answer(self._row(self._found(number, 404)))
        if request.method == "DELETE":
            if request.query_params.get("force") != "true":
                message = "Webhooks do not support trashing."
                raise Problem("woocommerce_rest_trash_not_supported", message, 501)
            return json_answer(self._delete(number, 404))
        return json_answer(self._update({**await asked_object(request), "id": number}))

    async def batch(self, request: Request) -> Response:
        """POST /webhooks/batch: each entry is answered for itself."""
        asked = await asked_lists(request)
        check_size(asked, self._options.batch_items_max)
        done: dict[str, Callable[[Any], Row]] = {
            "create": self._create,
            "update": self._update,
            "delete": lambda number: self._delete(number, 400),
        }
        answer = {
            kind: [_answered(do, entry) for entry in asked[kind]] for kind, do in done.items() if asked[kind]
        }
        return json_answer(answer or [])

    def _create(self, entry: Row) -> Row:
        topic = str(entry.get("topic", ""))
        _check(entry)
        if not TOPIC.fullmatch(topic):
            message = "Webhook topic is required and must be valid."
            raise Problem("woocommerce_rest_shop_webhook_invalid_topic", message, 400)
        made = self._subscriptions.add(topic, _url(entry), secret=str(entry.get("secret") or WEAK_SECRET))
        made.active = entry.get("status", "active") == "active"
        now = int(self._clock())
        made.name = str(entry.get("name") or f"Webhook created on {moment_text(now)}")
        self._dates[made.subscription_id] = Dates(now, now)
        return self._row(made)

    def _update(self, entry: Row) -> Row:
        one = self._found(entry.get("id"), 400)
        _check(entry)
        if "delivery_url" in entry:
            one.url = _url(entry)
        if "name" in entry:
            one.name = str(entry["name"])
        if entry.get("secret"):
            one.secret = str(entry["secret"])
        if "status" in entry:
            one.active = entry["status"] == "active"
            one.failures = 1 if entry["status"] == "disabled" else 0
        self._dates_of(one).modified_at = int(self._clock())
        return self._row(one)

    def _delete(self, number: Any, missing: int) -> Row:
        one = self._found(number, missing)
        row = self._row(one)
        del self._subscriptions.by_id[one.subscription_id]
        self._dates.pop(one.subscription_id, None)
        return row

    def _found(self, number: Any, missing: int) -> Subscription:
        one = self._subscriptions.by_id.get(str(number))
        if one is None:
            raise Problem("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", missing)
        return one

    def _dates_of(self, one: Subscription) -> Dates:
        """Those of a former run are not kept."""
        return self._dates.setdefault(one.subscription_id, Dates(0, 0))

    def _row(self, one: Subscription) -> Row:
        """A webhook as answers state it; never with its secret."""
        dates = self._dates_of(one)
        created, modified = moment_text(dates.created_at), moment_text(dates.modified_at)
        resource, _, event = one.topic.partition(".")
        return {
            "id": int(one.subscription_id),
            "name": one.name,
            "status": _status(one),
            "topic": one.topic,
            "resource": resource,
            "event": event,
            "hooks": [],
            "delivery_url": one.url,
            "date_created": created,
            "date_created_gmt": created,
            "date_modified": modified,
            "date_modified_gmt": modified,
        }


def _status(one: Subscription) -> str:
    if one.active:
        return "active"
    return "disabled" if one.failures else "paused"


def _check(entry: Row) -> None:
    if entry.get("status", "active") not in STATUSES:
        raise invalid_param("status", "status is not one of active, paused, and disabled.")


def _url(entry: Row) -> str:
    url = str(entry.get("delivery_url", ""))
    if not url.startswith(("http://", "https://")):
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise Problem("woocommerce_rest_shop_webhook_invalid_delivery_url", message, 400)
    return url


def _answered(do: Callable[[Any], Row], entry: Any) -> Row:
    try:
        return do(entry)
    except Problem as problem:
        number = entry.get("id", 0) if isinstance(entry, dict) else entry
        return {"id": number, "error": problem.body()}
