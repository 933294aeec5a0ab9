"""Who may ask what: clients known by bearer tokens or signatures, each with scopes; compared in constant time.

Secrets come from environment variables only, and are kept as digests where the secret itself is not needed.
"""

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onhand.channels.inbound import signed_by_any
from onhand.settings import Scope, Settings, SettingsError, secret

SECRET_LENGTH_MIN = 20
"""Shorter tokens and secrets are refused at the start: these are passwords that machines remember."""
CLOCKS_APART_SECONDS_MAX = 300
"""A signed request older or newer than this is refused; within it, the ids of its events make it harmless to repeat."""

CLIENT_HEADER = "x-onhand-client"
TIME_HEADER = "x-onhand-time"
SIGNATURE_HEADER = "x-onhand-signature"


class NotAuthenticatedError(Exception):
    """The request does not prove who sends it; the message says what is missing, and nothing of what was given."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request, and what it may do."""

    name: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Client:
    """One configured client. `token_digests` are SHA-256; `secrets` sign requests, any of them."""

    caller: Caller
    token_digests: tuple[bytes, ...]
    secrets: tuple[bytes, ...]


class Clients:
    """Every configured client."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._by_name = {client.caller.name: client for client in clients}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Clients":
        """Read every secret from its variable. Raises SettingsError where one is missing or too short."""
        return cls(
            Client(
                Caller(name, frozenset(section.scopes)),
                tuple(_digest(_long_enough(variable)) for variable in section.token_envs),
                tuple(_long_enough(variable) for variable in section.hmac_secret_envs),
            )
            for name, section in settings.clients.items()
        )

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def named(self, name: str) -> Client | None:
        """The client of that name, if there is one."""
        return self._by_name.get(name)

    def holder_of(self, token: str) -> Client | None:
        """Whose token this is. Every token of every client is compared, so that the time tells nothing."""
        given = _digest(token.encode())
        found = None
        for client in self._by_name.values():
            if signed_by_any(given, client.token_digests):
                found = client
        return found

    def by_token(self, headers: Mapping[str, str]) -> Caller | None:
        """Who sent a request with a bearer token; None where it has none. Raises NotAuthenticatedError."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        client = self.holder_of(token.strip())
        if client is None:
            raise NotAuthenticatedError("the token is nobody's")
        return client.caller

    def by_signature(self, headers: Mapping[str, str], body: bytes) -> Caller | None:
        """Who signed a request over its time and body; None where nobody did. Raises NotAuthenticatedError."""
        signature = headers.get(SIGNATURE_HEADER, "")
        if not signature:
            return None
        moment = headers.get(TIME_HEADER, "")
        client = self._by_name.get(headers.get(CLIENT_HEADER, ""))
        secrets = client.secrets if client is not None else ()
        expected = [signature_of(secret, moment, body).encode() for secret in secrets]
        if not signed_by_any(signature.encode("latin-1"), expected) or client is None:
            raise NotAuthenticatedError("the signature is not that of the named client")
        if not moment.isdigit() or abs(time.time() - int(moment)) > CLOCKS_APART_SECONDS_MAX:
            raise NotAuthenticatedError(
                f"the signed time is more than {CLOCKS_APART_SECONDS_MAX} s from this clock; send it again, signed anew"
            )
        return client.caller


def signature_of(secret: bytes, moment: str, body: bytes) -> str:
    """How a client signs: HMAC-SHA256 in hex over the time in seconds since 1970, a full stop, and the raw body."""
    return "sha256=" + hmac.new(secret, moment.encode("latin-1") + b"." + body, hashlib.sha256).hexdigest()


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _long_enough(variable: str) -> bytes:
    value = secret(variable)
    if len(value) < SECRET_LENGTH_MIN:
        raise SettingsError(
            f"the environment variable {variable} holds fewer than {SECRET_LENGTH_MIN} characters, too few for the "
            "secret of a client; make one with: openssl rand -hex 32"
        )
    return value.encode()
