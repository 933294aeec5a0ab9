"""The answer of a mutation: what it says against the request, and the one object it is about."""

from collections.abc import Callable
from typing import Any

from onhand.sandbox.shopify.call import pick
from onhand.sandbox.shopify.documents import Field

Payload = dict[str, Any]


def payload(field: Field, errors: list[Payload], show: Callable[[Field], Any]) -> Payload:
    """The selected fields of a mutation's payload; `show` answers whatever is not `userErrors`."""
    out: Payload = {}
    for child in field.selection:
        if child.name == "userErrors":
            out[child.key] = [pick("UserError", error, child.selection) for error in errors]
        elif child.name == "__typename":
            out[child.key] = f"{field.name[0].upper()}{field.name[1:]}Payload"
        else:
            out[child.key] = show(child)
    return out
