"""A sandbox Slack: `chat.postMessage` as strict as the real one about Block Kit, and the messages it took."""

import time
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.traffic import Traffic

MESSAGES_MAX = 500
"""Messages kept; older ones are forgotten."""

BLOCKS_MAX = 50
TEXT_MAX = 40_000
SECTION_TEXT_MAX = 3_000
SECTION_FIELDS_MAX = 10
FIELD_TEXT_MAX = 2_000
HEADER_TEXT_MAX = 150
CONTEXT_ELEMENTS_MAX = 10
ACTIONS_ELEMENTS_MAX = 25
TEXT_KINDS = frozenset(("plain_text", "mrkdwn"))

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """The bot token that is accepted, and the channels there are (empty: any)."""

    token: str = "sandbox-slack-token"
    channels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted message. `at` is seconds since the epoch, `ts` Slack's id of it."""

    at: float
    ts: str
    channel: str
    text: str
    blocks: list[Json]


class Slack:
    """The messages of one workspace, oldest first."""

    def __init__(self, options: SlackOptions, traffic: Traffic) -> None:
        self.messages: deque[Message] = deque(maxlen=MESSAGES_MAX)
        self._options = options
        self._traffic = traffic
        self._numbers = count(1)

    def routes(self) -> list[BaseRoute]:
        """The Web API methods, under `/api`."""
        methods = {"chat.postMessage": self.post_message, "auth.test": self.auth_test}
        return [
            Route(f"/api/{name}", self._traffic.guarded(handler), methods=["POST"])
            for name, handler in methods.items()
        ]

    async def post_message(self, request: Request) -> Response:
        """Take a message, or say what is wrong with it: HTTP 200 either way, as on the real one."""
        self._traffic.calls["chat.postMessage"] += 1
        body = _body(request, await request.body())
        problem, details = self._problem(request, body)
        if problem:
            self._traffic.rejected[problem] += 1
            return _answer({"ok": False, "error": problem, "response_metadata": {"messages": details}})
        now = time.time()
        ts = f"{int(now)}.{next(self._numbers):06}"
        message = Message(
            now, ts, str(body["channel"]), str(body.get("text") or ""), body.get("blocks") or []
        )
        self.messages.append(message)
        shown = {"type": "message", "ts": ts, "text": message.text, "blocks": message.blocks}
        return _answer({"ok": True, "channel": message.channel, "ts": ts, "message": shown})

    async def auth_test(self, request: Request) -> Response:
        """Whether the token is accepted."""
        if not self._admits(request):
            return _answer({"ok": False, "error": "invalid_auth"})
        return _answer({"ok": True, "team": "Sandbox", "user": "onhand", "team_id": "T1", "user_id": "U1"})

    def _admits(self, request: Request) -> bool:
        return request.headers.get("authorization", "") == f"Bearer {self._options.token}"

    def _problem(self, request: Request, body: Json) -> tuple[str, list[str]]:
        if not request.headers.get("authorization"):
            return "not_authed", []
        if not self._admits(request):
            return "invalid_auth", []
        channel = body.get("channel")
        if not channel or (self._options.channels and channel not in self._options.channels):
            return "channel_not_found", []
        blocks, text = body.get("blocks"), body.get("text")
        if not blocks and not text:
            return "no_text", []
        if len(str(text or "")) > TEXT_MAX:
            return "msg_too_long", []
        details = block_problems(blocks) if blocks else []
        return ("invalid_blocks", details) if details else ("", [])


def block_problems(blocks: Any) -> list[str]:
    """What Block Kit has against these blocks; empty when they are fine."""
    if not isinstance(blocks, list):
        return ["[ERROR] blocks must be an array"]
    if len(blocks) > BLOCKS_MAX:
        return [f"[ERROR] no more than {BLOCKS_MAX} items allowed [json-pointer:/blocks]"]
    found = ((at, _block_problem(block)) for at, block in enumerate(blocks))
    return [f"[ERROR] {problem} [json-pointer:/blocks/{at}]" for at, problem in found if problem]


def _block_problem(block: Any) -> str:
    if not isinstance(block, dict):
        return "must be an object"
    match block.get("type"):
        case "header":
            return _text_problem(block.get("text"), HEADER_TEXT_MAX, ("plain_text",))
        case "section":
            return _section_problem(block)
        case "context":
            return _elements_problem(block, CONTEXT_ELEMENTS_MAX)
        case "actions":
            return _elements_problem(block, ACTIONS_ELEMENTS_MAX)
        case "divider":
            return ""
        case "image":
            return (
                ""
                if block.get("image_url") and block.get("alt_text")
                else "image_url and alt_text are required"
            )
        case other:
            return f"unsupported type: {other}"


def _section_problem(block: Json) -> str:
    fields = block.get("fields")
    if not block.get("text") and not fields:
        return "either text or fields is required"
    if block.get("text") and (problem := _text_problem(block["text"], SECTION_TEXT_MAX)):
        return problem
    if fields is None:
        return ""
    if not isinstance(fields, list) or not 0 < len(fields) <= SECTION_FIELDS_MAX:
        return f"fields must have 1 to {SECTION_FIELDS_MAX} items"
    return next((problem for field in fields if (problem := _text_problem(field, FIELD_TEXT_MAX))), "")


def _elements_problem(block: Json, most: int) -> str:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 0 < len(elements) <= most:
        return f"elements must have 1 to {most} items"
    texts = [each for each in elements if isinstance(each, dict) and each.get("type") in TEXT_KINDS]
    return next((problem for text in texts if (problem := _text_problem(text, SECTION_TEXT_MAX))), "")


def _text_problem(text: Any, most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> str:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return f"must be a text object of type {' or '.join(kinds)}"
    words = text.get("text")
    if not isinstance(words, str) or not words:
        return "text must be at least 1 character"
    return f"must be less than {most + 1} characters" if len(words) > most else ""


def _body(request: Request, raw: bytes) -> Json:
    """The arguments, sent as JSON or as a form (whose blocks are JSON in a string)."""
    if "json" in request.headers.get("content-type", ""):
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return {}
        return body if isinstance(body, dict) else {}
    form: Json = {name: values[0] for name, values in parse_qs(raw.decode(errors="replace")).items()}
    try:
        form["blocks"] = orjson.loads(form.get("blocks") or "null")
    except orjson.JSONDecodeError:
        form["blocks"] = "not JSON"
    return form


def _answer(body: Json) -> Response:
    return Response(orjson.dumps(body), media_type="application/json; charset=utf-8")
