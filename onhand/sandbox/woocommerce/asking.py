"""What a request brings along: its key, checked as WooCommerce checks it, and its JSON parameters."""

import base64
import binascii
from typing import Any

import orjson
from starlette.requests import Request

from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.problems import Problem, invalid_param, unauthenticated
from onhand.sandbox.woocommerce.stock import Row


def admit(request: Request, options: WooOptions) -> None:
    """Raises Problem unless the key is there, right, and allowed to do this."""
    key, secret = _credentials(request)
    reading = request.method == "GET"
    if not key:
        code = "woocommerce_rest_cannot_view" if reading else "woocommerce_rest_cannot_batch"
        raise Problem(code, "Sorry, you are not allowed to do this.", 401)
    if key != options.consumer_key:
        raise unauthenticated("Consumer key is invalid.")
    if secret != options.consumer_secret:
        raise unauthenticated("Consumer secret is invalid.")
    needed = "read" if reading else "write"
    if needed not in options.permissions:
        raise unauthenticated(f"The API key provided does not have {needed} permissions.")


async def asked_object(request: Request) -> Row:
    """The JSON parameters; without a JSON content type WordPress sees none."""
    if "json" not in request.headers.get("content-type", ""):
        return {}
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Problem("rest_invalid_json", "Invalid JSON body passed.", 400) from error
    if not isinstance(body, dict):
        raise Problem("rest_invalid_json", "Invalid JSON body passed.", 400)
    return body


async def asked_lists(request: Request) -> dict[str, list[Any]]:
    """The lists of a batch. That entries are objects is checked; what they hold is not, as on the platform."""
    body = await asked_object(request)
    asked: dict[str, list[Any]] = {}
    for name in ("create", "update", "delete"):
        given = body.get(name) or []
        if not isinstance(given, list):
            raise invalid_param(name, f"{name} is not of type array.")
        for at, entry in enumerate(given):
            if name != "delete" and not isinstance(entry, dict):
                raise invalid_param(name, f"{name}[{at}] is not of type object.")
        asked[name] = given
    return asked


def check_size(asked: dict[str, list[Any]], most: int) -> None:
    """Raises Problem where a batch holds more entries in all than the shop takes."""
    if sum(map(len, asked.values())) > most:
        message = f"Unable to accept more than {most} items for this request."
        raise Problem("woocommerce_rest_request_entity_too_large", message, 413)


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret
