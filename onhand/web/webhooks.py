"""POST /webhooks/<channel>: checked, reduced, written down, answered, in this order; the hot path of the app.

A 2xx is said only when the fact is durable in the inbox. Nothing of a body or of a header's value is ever logged: not
even the words of an error that was raised while one was read, as they may quote it.
"""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    Receiver,
    SignatureRefusedError,
)
from onhand.web.arrivals import Arrivals, Outcome
from onhand.web.backends import NotReadyError
from onhand.web.batching import TooBusyError
from onhand.web.bodies import (
    BodyTooLargeError,
    BodyTooSlowError,
    LargeBodies,
    NoRoomError,
    SenderGoneError,
    headers_of,
    read_body,
)
from onhand.web.errors import ErrorAnswer, ErrorDetail

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5
POISON_ADVICE = "onhand inbox list shows it with the reason; onhand inbox replay tries it again"

Keep = Callable[[str, Delivery, str, bytes], Awaitable[bool]]
"""Makes a delivery durable: the channel, what was delivered, what is wrong with it ("" where nothing is), the raw body.
True where it is new, False where it was there before. Raises where it was not written."""


class WebhookDoor:
    """The endpoint, for the channels that have a receiver. A bare ASGI app: it is asked thousands of times a second."""

    def __init__(self, receivers: Mapping[str, Receiver], keep: Keep, arrivals: Arrivals) -> None:
        self._receivers = receivers
        self._keep = keep
        self._arrivals = arrivals
        self._large = LargeBodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        channel = scope["path_params"]["channel"]
        receiver = self._receivers.get(channel)
        if receiver is None:
            await _refusal(404, "unknown_channel", "there is no such channel here")(scope, receive, send)
            return
        headers = headers_of(scope)
        try:
            body = await read_body(headers, receive, bytes_max=receiver.body_bytes_max, large=self._large)
        except BodyTooLargeError:
            answer = self._turned_away(channel, Outcome.TOO_LARGE, 413, "the body is too large")
        except BodyTooSlowError:
            answer = self._turned_away(channel, Outcome.TOO_SLOW, 408, "the body did not come in time")
        except NoRoomError as error:
            answer = self._not_written(channel, error)
            answer.headers["Connection"] = "close"
        except SenderGoneError:
            return
        else:
            answer = await self._answer(channel, receiver, headers, body)
        await answer(scope, receive, send)

    async def _answer(
        self, channel: str, receiver: Receiver, headers: Mapping[str, str], body: bytes
    ) -> Response:
        problem = ""
        try:
            delivery = receiver.receive(headers, body, datetime.now(UTC))
        except SignatureRefusedError:
            return self._turned_away(channel, Outcome.UNSIGNED, 401, "it is not signed by the channel")
        except BodyRefusedError as error:
            delivery, problem = error.delivery, error.problem
        except Exception as error:
            # Of what was raised only the kind is told: its words may quote the body.
            return self._failed(channel, "a delivery could not be read", error)
        if not problem and delivery.kind is DeliveryKind.PING:
            self._arrivals.count(channel, Outcome.PING)
            return _UNDERSTOOD
        if not problem and delivery.kind is DeliveryKind.OTHER:
            self._arrivals.count_unused(channel, delivery.topic)
            return _UNDERSTOOD
        return await self._kept(channel, delivery, problem, body)

    async def _kept(self, channel: str, delivery: Delivery, problem: str, body: bytes) -> Response:
        try:
            new = await self._keep(channel, delivery, problem, body)
        except Exception as error:
            # Whatever it was, it is not written down: the channel has to send it again.
            return self._not_written(channel, error)
        outcome = (Outcome.POISON if problem else Outcome.KEPT) if new else Outcome.DUPLICATE
        self._arrivals.count(channel, outcome)
        if outcome is Outcome.POISON and self._arrivals.worth_saying(channel, outcome.value):
            log.warning(
                "a delivery makes no sense and waits in the inbox", channel=channel, advice=POISON_ADVICE
            )
        return _UNDERSTOOD

    def _turned_away(self, channel: str, outcome: Outcome, status: int, message: str) -> Response:
        self._arrivals.count(channel, outcome)
        if self._arrivals.worth_saying(channel, outcome.value):
            log.warning("a webhook was refused", channel=channel, reason=message, status=status)
        return _refusal(status, "refused", message)

    def _not_written(self, channel: str, error: Exception) -> Response:
        self._arrivals.count(channel, Outcome.NOT_WRITTEN)
        if self._arrivals.worth_saying(channel, Outcome.NOT_WRITTEN.value):
            reason = str(error) if isinstance(error, _SAYS_WHY) else type(error).__name__
            log.error("webhooks cannot be written down; the channel is asked to come again",
                      channel=channel, reason=reason)  # fmt: skip
        return _refusal(503, "not_written", "it could not be written down; send it again")

    def _failed(self, channel: str, what: str, error: Exception) -> Response:
        self._arrivals.count(channel, Outcome.FAILED)
        if self._arrivals.worth_saying(channel, Outcome.FAILED.value):
            log.error(what, channel=channel, reason=type(error).__name__, at=_place(error))
        return _refusal(500, "internal", "this should not have happened")


def _refusal(status: int, code: str, message: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    if status in (408, 413):
        headers["Connection"] = "close"  # or the rest of the body would be read, only to be thrown away
    detail = ErrorDetail(code=code, message=message, advice="")
    content = orjson.dumps(ErrorAnswer(error=detail).model_dump())
    return Response(content, status, headers, "application/json")


def _place(error: Exception) -> str:
    """Where an error was raised, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


_SAYS_WHY = (TooBusyError, NotReadyError, NoRoomError)
"""Errors whose words quote nothing of what was sent."""

_UNDERSTOOD = Response(b"", 200)
"""Platforms look at the status only. It holds no state, so one is enough."""
