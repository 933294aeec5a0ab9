"""The pages: overview, one run, one SKU, and an error; plain HTML that renews itself, with no script."""

from contextvars import ContextVar
from urllib.parse import quote

from starlette.responses import HTMLResponse

from onhand.domain.health import Verdict
from onhand.web.answers import Channel, Channels, Run, RunChannel, RunDetail, RunFailure, Runs
from onhand.web.html import Content, Markup, ago, render, table, tag
from onhand.web.standing_view import standing
from onhand.web.style import SHEET, SHEET_HASH

REFRESH_SECONDS = 5

visitor: ContextVar[str | None] = ContextVar("visitor", default=None)
"""Who looks at a page: a client's name; "": nobody known, who can log in; None: there is no login. Set by the gate."""

_SECURITY = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{SHEET_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # A browser that may say nothing at all of where it comes from also hides that a form is our own.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_COLOURS = {
    "success": "good",
    "accepted": "good",
    "partial": "warn",
    "held": "warn",
    "skipped": "warn",
    "waiting": "run",
    "posted": "good",
    "poison": "bad",
    "stale": "warn",
    "unknown": "warn",
    "running": "run",
    "failed": "bad",
    "rejected": "bad",
}


def page(
    title: str, *content: Content, temporal_ui: str = "", refresh: int | None = None, status: int = 200
) -> HTMLResponse:
    """A whole page; `refresh` is after how many seconds it renews itself."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="refresh", content=str(refresh)) if refresh else None,
        tag("title", f"{title} · Onhand"),
        tag("style", Markup(SHEET)),
    )
    body = tag("body", _navigation(temporal_ui), tag("main", *content))
    return HTMLResponse(
        "<!doctype html>" + render(tag("html", head, body, lang="en")), status, headers=_SECURITY
    )


def _navigation(temporal_ui: str) -> Markup:
    return tag(
        "header",
        tag("strong", "Onhand"),
        tag("a", "Overview", href="/"),
        tag("a", "Inbox", href="/inbox"),
        tag("a", "Reports", href="/reports"),
        tag("a", "API", href="/docs"),
        tag("a", "Temporal", href=temporal_ui) if temporal_ui else None,
        _way_in(visitor.get()),
        tag(
            "form",
            tag("input", name="sku", placeholder="Why? Enter a SKU", aria_label="SKU", required=""),
            action="/skus",
        ),
    )


def _way_in(who: str | None) -> Content:
    """To the login, or past it to the way out."""
    if who is None:
        return None
    return tag("a", f"Logged in as {who}" if who else "Log in", href="/login")


def overview_page(
    verdict: Verdict,
    runs: Runs,
    last: RunDetail | None,
    channels: Channels,
    temporal_ui: str,
    poison: int = 0,
) -> HTMLResponse:
    """Whether all is well, channels, the last run and its failures, and the runs before.

    `poison`: deliveries that could not be taken.
    """
    in_run = {channel.channel: channel for channel in last.channels} if last else {}
    return page(
        "Overview",
        standing(verdict),
        _poison(poison),
        tag("h2", "Channels"),
        tag("div", [_channel_card(c, in_run.get(c.channel)) for c in channels.channels], class_="cards")
        if channels.channels
        else tag("p", "No channel is known yet: the worker tells the ledger when it starts.", class_="soft"),
        _failures(last.failures) if last else None,
        tag("h2", "Runs"),
        _runs(runs) if runs.runs else tag("p", "No sync has run yet: onhand sync starts one.", class_="soft"),
        temporal_ui=temporal_ui,
        refresh=REFRESH_SECONDS,
    )


def _poison(number: int) -> Content:
    if not number:
        return None
    said = "1 delivery" if number == 1 else f"{number:,} deliveries"
    return tag("p", tag("a", f"{said} could not be taken", href="/inbox?outcome=poison", class_="bad"))


def run_page(run: RunDetail, temporal_ui: str) -> HTMLResponse:
    """One run, renewed while it is running."""
    return page(
        f"Run {run.id}",
        tag("h1", run.id),
        tag("p", state(run.status), " ", run.summary),
        tag(
            "p",
            ["started ", ago(run.started_at), _took(run), f". Source: {run.rows_read:,} rows read, "],
            f"{run.rows_posted:,} posted, {run.rows_unchanged:,} unchanged, {run.rows_refused:,} refused.",
            class_="soft",
        ),
        tag("div", [_run_channel_card(channel) for channel in run.channels], class_="cards"),
        _failures(run.failures),
        temporal_ui=temporal_ui,
        refresh=REFRESH_SECONDS if run.status == "running" else None,
    )


def error_page(status: int, message: str, advice: str, temporal_ui: str = "") -> HTMLResponse:
    """The words of an error, for people."""
    said = (tag("h1", message), tag("p", advice))
    return page(f"Error {status}", *said, temporal_ui=temporal_ui, status=status)


def state(word: str) -> Markup:
    """The word of an outcome in its colour."""
    return tag("span", word, class_=f"state {_COLOURS.get(word, '')}".strip())


def sku_link(sku: str) -> Markup:
    """The SKU, leading to why it shows what it shows."""
    return tag("a", sku, href=sku_address(sku))


def sku_address(sku: str) -> str:
    """Where the page of a SKU is."""
    return f"/skus/{quote(sku, safe='')}"


def pairs(*given: tuple[str, Content]) -> Markup:
    """Names with their values."""
    return tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in given])


def _channel_card(channel: Channel, last: RunChannel | None) -> Markup:
    waits: list[Content] = [channel.pending]
    if channel.pending_since:
        waits += [", oldest ", ago(channel.pending_since)]
    pushed: list[Content] = [ago(channel.pushed_at)]
    if channel.push_outcome:
        pushed = [state(channel.push_outcome), " ", *pushed]
    shown: list[tuple[str, Content]] = [
        ("listings", channel.listings),
        ("pending", waits),
        ("given up", tag("span", channel.parked, class_="state bad") if channel.parked else 0),
        *([("waits in the inbox", channel.inbox)] if channel.inbox else []),
        ("last push", pushed),
    ]
    if last:
        shown += [("last run", state(last.status)), *_counts(last)]
    platform = None if channel.platform == channel.channel else f" {channel.platform}"
    off = None if channel.enabled else " · switched off"
    return tag(
        "div",
        tag("h3", channel.channel, tag("span", platform, off, class_="soft")),
        pairs(*shown),
        tag("p", channel.held_up, class_="warn") if channel.held_up else None,
        class_="card",
    )


def _run_channel_card(channel: RunChannel) -> Markup:
    return tag(
        "div",
        tag("h3", channel.channel, " ", state(channel.status)),
        pairs(
            ("levels", channel.levels),
            *_counts(channel),
            ("calls", f"{channel.reads:,} read, {channel.writes:,} write"),
            ("throttled", channel.throttled),
            ("waited on limits", f"{channel.waited_seconds:.1f} s"),
        ),
        tag("p", channel.message, class_="soft") if channel.message else None,
        class_="card",
    )


def _counts(channel: RunChannel) -> list[tuple[str, Content]]:
    failed: Content = tag("span", channel.failed, class_="state bad") if channel.failed else 0
    return [
        ("changed", channel.changed),
        ("unchanged", channel.unchanged),
        ("skipped", channel.skipped),
        ("failed", failed),
    ]


def _failures(failures: list[RunFailure]) -> Content:
    if not failures:
        return None
    return [
        tag("h2", "Failures"),
        table(
            ("SKU", "channel", "place", "reason", "what to do"),
            [(sku_link(f.sku), f.channel, f.place, f.message, f.advice) for f in failures],
        ),
    ]


def _runs(runs: Runs) -> Markup:
    return table(
        ("run", "status", "started", "took", "summary"),
        [
            (
                tag("a", run.id, href=f"/runs/{quote(run.id, safe='')}"),
                state(run.status),
                ago(run.started_at),
                _duration(run),
                tag("div", run.summary, class_="why"),
            )
            for run in runs.runs
        ],
    )


def _duration(run: Run) -> Content:
    if run.finished_at is None:
        return None
    return tag("span", f"{(run.finished_at - run.started_at).total_seconds():.1f} s", class_="whole")


def _took(run: RunDetail) -> str:
    return f", took {(run.finished_at - run.started_at).total_seconds():.1f} s" if run.finished_at else ""
