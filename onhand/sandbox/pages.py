"""Pages on which a person sees the sandbox shops live: levels per place, the last changes, the Slack messages."""

import time
from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Unwilling
from onhand.sandbox.page_faults import fault_buttons, fault_cards, fault_table, press
from onhand.sandbox.page_orders import order_table, sent_line
from onhand.sandbox.page_words import ago, as_slack_shows, counted
from onhand.sandbox.selling import Selling
from onhand.sandbox.shop import Item, LevelChange, Shop
from onhand.sandbox.slack import Message
from onhand.sandbox.world import World

ROWS_PER_PAGE = 50
CHANGES_SHOWN = 30
FRESH_SECONDS = 5.0
"""A level that changed this recently is marked."""

WHO = {"api": "Onhand or another app", "sale": "a buyer", "person": "a person"}

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #e0e1e6; --paper: #fff;
  --wash: #f6f7f9; --mark: #fff1c2; --bad: #c4283c; --link: #0b61c4; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #a4a8b0; --line: #33363c;
  --paper: #16181b; --wash: #1f2226; --mark: #4a3d0c; --bad: #ff8b96; --link: #7db7ff; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif }
a { color: var(--link) } h1 { font-size: 1.4rem; margin: .5rem 0 } h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
nav a { margin-right: 1rem } p, .soft { color: var(--soft) }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .6rem .4rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
th { color: var(--soft); font-weight: 500; font-size: .85rem } .number { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap } .fresh td { background: var(--mark) }
.below { color: var(--bad) } input { font: inherit; width: 100%; padding: .5rem .7rem; color: inherit;
  background: var(--wash); border: 1px solid var(--line); border-radius: .5rem }
.card { background: var(--wash); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem;
  margin: .8rem 0 } .cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)) }
.card h2 { margin: 0 } form.act { display: inline; white-space: nowrap } button { font: inherit; font-size: .85rem;
  padding: .1rem .7rem; color: var(--link); background: var(--wash); border: 1px solid var(--line);
  border-radius: .5rem; cursor: pointer } pre { white-space: pre-wrap; margin: .3rem 0; font: inherit }
"""

SEARCH_FORM = (
    """<form><input name="q" type="search" value="{}" placeholder="Search SKU, title or barcode"></form>"""
)

LIVE = """
const part = document.getElementById("live");
async function look() {
  try {
    const answer = await fetch(part.dataset.from + location.search, { cache: "no-store" });
    if (answer.ok) part.innerHTML = await answer.text();
  } catch (error) { /* the sandbox restarts: the next look will do */ }
  setTimeout(look, document.hidden ? 5000 : 1000);
}
setTimeout(look, 1000);
"""


class Pages:
    """The pages of one world."""

    def __init__(self, world: World, selling: Selling) -> None:
        self._world = world
        self._selling = selling

    def routes(self) -> list[BaseRoute]:
        """The pages, and the parts of them that are fetched again every second."""
        return [
            Route("/", self.index),
            Route("/part", self.index_part),
            Route("/shops/{name}", self.shop),
            Route("/shops/{name}/part", self.shop_part),
            Route("/shops/{name}/{what}", self.act, methods=["POST"]),
            Route("/faults", self.faults),
            Route("/faults/part", self.faults_part),
            Route("/faults/{name}/{what}", self.spoil, methods=["POST"]),
            Route("/slack", self.slack),
            Route("/slack/part", self.slack_part),
        ]

    async def index(self, request: Request) -> Response:
        """All shops at a glance."""
        return _page("Sandbox shops", "/part", self._index())

    async def index_part(self, request: Request) -> Response:
        """What of it changes."""
        return HTMLResponse(self._index())

    async def shop(self, request: Request) -> Response:
        """One shop: search, levels, last changes."""
        name = request.path_params["name"]
        if name not in self._world.shops:
            return _page("No such shop", "/part", self._index(), status=404)
        search = escape(request.query_params.get("q", ""))
        form = SEARCH_FORM.format(search)
        shop = self._world.shops[name]
        said = request.query_params.get("said", "")
        before = f'{form}<p class="below">{escape(said)}</p>' if said else form
        return _page(shop.name, f"/shops/{name}/part", self._shop(name, request), before=before)

    async def shop_part(self, request: Request) -> Response:
        """What of it changes."""
        name = request.path_params["name"]
        known = name in self._world.shops
        return HTMLResponse(self._shop(name, request) if known else "", 200 if known else 404)

    async def act(self, request: Request) -> Response:
        """A button was pressed: buy one of an item, ship or cancel an order. Back to the page, which says what is
        in the way, if something is."""
        name, what = request.path_params["name"], request.path_params["what"]
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
        entry: dict[str, Any] = {"platform": name, "what": what, "order": form.get("order", "")}
        if what == "buy":
            entry |= {"what": "place", "lines": [{"sku": form.get("sku", "")}]}
        back = {key: value for key in ("q", "page") if (value := request.query_params.get(key))}
        try:
            self._selling.act(entry)
        except Unwilling as refusal:
            back["said"] = str(refusal)
        return RedirectResponse(f"/shops/{name}?{urlencode(back)}", status_code=303)

    def _shop(self, name: str, request: Request) -> str:
        shop, book, sender = self._world.shops[name], self._world.books[name], self._world.senders.get(name)
        sent = f"<h2>Webhooks</h2>{sent_line(sender)}" if sender else ""
        trouble = self._world.troubles[name]
        wrong = f"<h2>Faults</h2>{fault_table(trouble)}" if trouble.faults.on() else ""
        return f"{wrong}{_shop_part(name, shop, request)}<h2>Last orders</h2>{order_table(name, book)}{sent}"

    async def faults(self, request: Request) -> Response:
        """What is wrong with each shop, and buttons to make it worse."""
        said = request.query_params.get("said", "")
        refused = f'<p class="below">{escape(said)}</p>' if said else ""
        body = fault_cards(self._world.shops, self._world.troubles)
        return _page("Faults", "/faults/part", body, before=refused, after=fault_buttons(self._world.shops))

    async def faults_part(self, request: Request) -> Response:
        """What of it changes."""
        return HTMLResponse(fault_cards(self._world.shops, self._world.troubles))

    async def spoil(self, request: Request) -> Response:
        """A button was pressed: a shop fails from now on, or is well again."""
        name, what = request.path_params["name"], request.path_params["what"]
        try:
            if name not in self._world.troubles:
                raise ValueError(f"there is no shop {name!r}")
            press(self._world.troubles[name], what)
        except ValueError as refusal:
            return RedirectResponse(f"/faults?{urlencode({'said': str(refusal)})}", status_code=303)
        return RedirectResponse("/faults", status_code=303)

    async def slack(self, request: Request) -> Response:
        """The messages that were posted, newest first."""
        return _page("Slack", "/slack/part", _messages(self._world.slack.messages))

    async def slack_part(self, request: Request) -> Response:
        """What of it changes."""
        return HTMLResponse(_messages(self._world.slack.messages))

    def _index(self) -> str:
        cards = []
        for name, shop in self._world.shops.items():
            traffic = self._world.traffic[name]
            last = shop.history[-1] if shop.history else None
            said = f"Last change {ago(last.at)} by {WHO[last.by]}" if last else "No level has changed yet"
            wrong = len(self._world.troubles[name].faults.on())
            faults = f'<br><a class="below" href="/faults">{counted(wrong, "fault")} on</a>' if wrong else ""
            places = counted(len(shop.places), "place")
            calls, throttled = sum(traffic.calls.values()), sum(traffic.throttled.values())
            cards.append(
                f'<div class="card"><h2><a href="/shops/{name}">{escape(shop.name)}</a></h2>'
                f"<p>{len(shop.items):,} items at {places}<br>"
                f"{calls:,} calls, {throttled:,} throttled<br>{said}{faults}</p></div>"
            )
        return f'<div class="cards">{"".join(cards)}</div>'


def _page(
    title: str, part: str, body: str, *, before: str = "", after: str = "", status: int = 200
) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} (sandbox)</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        '<body><nav><a href="/">Shops</a><a href="/shops/shopify">Shopify</a>'
        '<a href="/shops/woocommerce">WooCommerce</a><a href="/shops/bigcommerce">BigCommerce</a>'
        f'<a href="/slack">Slack</a><a href="/faults">Faults</a></nav><h1>{escape(title)}</h1>{before}'
        f'<div id="live" data-from="{part}">{body}</div>{after}<script>{LIVE}</script></body></html>',
        status,
    )


def _shop_part(name: str, shop: Shop, request: Request) -> str:
    search = request.query_params.get("q", "").strip()
    page = max(1, int(text) if (text := request.query_params.get("page", "1")).isdecimal() else 1)
    start = (page - 1) * ROWS_PER_PAGE
    found = list(islice(_matching(shop, search), start, start + ROWS_PER_PAGE + 1))
    heads = "".join(f'<th class="number">{escape(name)}</th>' for name in shop.places.values())
    buy = f"/shops/{name}/buy?{urlencode({'q': search, 'page': page})}"
    rows = "".join(_row(shop, item, buy) for item in found[:ROWS_PER_PAGE])
    none = "" if rows else "<p>Nothing matches.</p>" if search else "<p>The shop is empty.</p>"
    return (
        f"<table><thead><tr><th>SKU</th><th>Title</th>{heads}<th></th></tr></thead><tbody>{rows}</tbody></table>{none}"
        f"<p>{_pager(search, page, more=len(found) > ROWS_PER_PAGE)}</p>"
        f"<h2>Last changes</h2>{_changes(shop, shop.history)}"
    )


def _matching(shop: Shop, search: str) -> Iterable[Item]:
    wanted = search.lower()
    return (
        item
        for item in shop.items.values()
        if item.kind != "variable"
        and (
            not wanted or wanted in item.sku.lower() or wanted in item.title.lower() or wanted == item.barcode
        )
    )


def _row(shop: Shop, item: Item, buy: str) -> str:
    cells = "".join(_level(shop.level(item.item_id, place), item.tracked) for place in shop.places)
    fresh = ' class="fresh"' if time.time() - item.updated_at < FRESH_SECONDS else ""
    variation = item.values.get("variant_title", "")
    title = escape(f"{item.title}, {variation}" if variation else item.title)
    remarks = ' <span class="below">refuses writes</span>' if item.item_id in shop.rejected_items else ""
    if all(shop.hidden(item, place) for place in shop.places):
        remarks += ' <span class="below">hidden</span>'
    elif item.oversells:
        remarks += ' <span class="below">sells beyond zero</span>'
    button = (
        f'<form class="act" method="post" action="{escape(buy)}"><input type="hidden" name="sku" '
        f'value="{escape(item.sku)}"><button>Buy</button></form>'
    )
    return (
        f"<tr{fresh}><td>{escape(item.sku)}</td><td>{title}{remarks}</td>{cells}"
        f'<td class="number">{button}</td></tr>'
    )


def _level(level: int | None, tracked: bool) -> str:
    if not tracked:
        return '<td class="number soft">not tracked</td>'
    if level is None:
        return '<td class="number soft">not stocked</td>'
    return f'<td class="number{" below" if level < 0 else ""}">{level:,}</td>'


def _pager(search: str, page: int, *, more: bool) -> str:
    links = []
    if page > 1:
        links.append(f'<a href="?{escape(urlencode({"q": search, "page": page - 1}))}">Previous</a>')
    if more:
        links.append(f'<a href="?{escape(urlencode({"q": search, "page": page + 1}))}">Next</a>')
    return " · ".join([*links, f"Page {page}"])


def _changes(shop: Shop, history: Iterable[LevelChange]) -> str:
    rows = [
        f"<tr><td>{ago(change.at)}</td><td>{escape(change.sku)}</td>"
        f"<td>{escape(shop.places.get(change.place, change.place))}</td>"
        f'<td class="number">{change.before:,} → {change.after:,}</td><td>{WHO[change.by]}</td></tr>'
        for change in list(history)[: -CHANGES_SHOWN - 1 : -1]
    ]
    return f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else "<p>None yet.</p>"


def _messages(messages: Iterable[Message]) -> str:
    cards = [
        f'<div class="card"><span class="soft">{escape(message.channel)}, {ago(message.at)}</span>'
        f"{''.join(_block(block) for block in message.blocks) or _text(message.text)}</div>"
        for message in reversed(list(messages))
    ]
    return "".join(cards) or "<p>No message was posted yet.</p>"


def _block(block: dict[str, Any]) -> str:
    kind = block.get("type")
    if kind == "header":
        return f"<h2>{as_slack_shows(str(block['text']['text']))}</h2>"
    if kind == "divider":
        return "<hr>"
    texts = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
    words = [
        str(each["text"]) for each in texts if isinstance(each, dict) and isinstance(each.get("text"), str)
    ]
    return "".join(_text(text) for text in words)


def _text(text: str) -> str:
    return f"<pre>{as_slack_shows(text)}</pre>"
