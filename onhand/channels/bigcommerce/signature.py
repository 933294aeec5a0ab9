"""The Standard Webhooks signature: that a body comes from the platform, now.

`webhook-signature` holds, separated by spaces, one or more of "v1," and the base64 of HMAC-SHA256 over
"{webhook-id}.{webhook-timestamp}.{body}". BigCommerce's key is the app's client secret.
"""

import binascii
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime

from onhand.channels.inbound import SignatureRefusedError, signed_by_any

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
VERSION = "v1,"

TOLERANCE_SECONDS = 300
"""How far the signature's time may be from ours; what is older may be a request somebody has kept."""


def check_signature(headers: Mapping[str, str], body: bytes, key: bytes, now: datetime) -> None:
    """Raises SignatureRefusedError unless the headers sign the body with the key within the tolerance."""
    identity, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not identity or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureRefusedError("it is signed without a webhook-id or a time in seconds")
    age = now.timestamp() - int(timestamp)
    if abs(age) > TOLERANCE_SECONDS:
        raise SignatureRefusedError(f"it was signed {age:.0f} s ago, {TOLERANCE_SECONDS} s are accepted")
    expected = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")
    if not signed_by_any(expected, _given(headers[SIGNATURE])):
        raise SignatureRefusedError("no signature of it is made with the client secret")


def _given(text: str) -> Iterator[bytes]:
    for part in text.split():
        if part.startswith(VERSION):
            try:
                yield binascii.a2b_base64(part.removeprefix(VERSION), strict_mode=True)
            except binascii.Error:
                continue
