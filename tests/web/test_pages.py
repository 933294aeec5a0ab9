"""The pages over real HTTP: what a person reads, that no text breaks out of it, and that nothing is loaded."""

import re
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest

from onhand.ledger import inbox, work
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Received
from onhand.settings import Settings
from onhand.web.app import create_app
from onhand.web.html import Markup, render, table, tag
from onhand.web.pages import sku_address
from onhand.web.style import SHEET, SHEET_HASH
from tests.web.conftest import HOSTILE, doors_to, served

VOID = {"meta", "input", "link", "br"}


class Checked(HTMLParser):
    """Text of a page by line, its links, and the tags that are open: none may be left at the end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)


async def read(web: httpx.AsyncClient, path: str, status: int = 200) -> Checked:
    response = await web.get(path, headers={"Accept": "text/html"})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src '{SHEET_HASH}'")
    page = Checked(response.text)
    assert "script" not in page.tags
    return page


def words(page: Checked) -> str:
    return re.sub(r"\d+ (s|min) ago|\bnow\b", "AGO", " ".join(" ".join(page.text).split()))


async def test_the_overview(web: httpx.AsyncClient) -> None:
    page = await read(web, "/")
    text = words(page)
    assert (
        "web woocommerce listings 2 pending 0 given up 0 last push accepted AGO last run partial "
        "changed 1 unchanged 0 skipped 0 failed 1"
    ) in text
    assert "store shopify listings 1 pending 1, oldest AGO given up 0 last push never" in text
    assert "old woocommerce · switched off listings 0" in text
    assert (
        "Failures SKU channel place reason what to do B/1 web the product <17> is gone discover the" in text
    )
    assert "Runs run status started took summary run-1 partial AGO" in text
    assert {"/docs", "http://127.0.0.1:8233", "/runs/run-1", "/skus/B%2F1"} <= set(page.links)


async def test_the_overview_says_what_is_in_the_way(web: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: a pause, an open breaker, what waits and what could not be taken are seen at a glance."""
    await work.pause(stocked, "web", "stock<taking>", "ada")
    await work.note_trouble(stocked, "store", "store: no answer", 60)
    await inbox.accept(stocked, [delivery("1"), delivery("2", InboxOutcome.POISON, "SKU <9> is unknown")])
    page = await read(web, "/")
    text = words(page)
    assert "waits in the inbox 1 last push" in text
    assert "Telling it changes was paused just AGO (stock<taking>)." in text
    assert "Its breaker opened just AGO: store: no answer." in text
    assert "1 delivery could not be taken Channels" in text
    assert "/inbox?outcome=poison" in page.links


def delivery(
    name: str, outcome: InboxOutcome | None = None, reason: str = "", kind: str = "order"
) -> Received:
    """A delivery of the channel web."""
    return Received("web", name, name.encode(), kind, "orders/updated", name, {}, outcome, reason)


async def test_the_inbox(web: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: what became of each delivery, and what to do about poison; one outcome can be chosen."""
    assert words(await read(web, "/inbox")).endswith("Do they know where to? onhand webhooks check")
    assert words(await read(web, "/inbox?outcome=poison")).endswith("dismissed Nothing is poison.")
    rows = [
        delivery("1"),
        delivery("2", InboxOutcome.POISON, "SKU <9> is unknown"),
        delivery("3", InboxOutcome.POISON, "the body is no JSON", "other"),
        delivery("4", InboxOutcome.POISON, "SKU 8 is unknown"),
    ]
    ids = [each.inbox_id or 0 for each in await inbox.accept(stocked, rows)]
    await inbox.dismiss(stocked, [ids[3]], "ada", "cancelled")

    text = words(await read(web, "/inbox"))
    assert f"{ids[0]} web AGO orders/updated 1 waiting" in text
    assert f"{ids[1]} web AGO orders/updated 2 poison SKU <9> is unknown onhand inbox replay {ids[1]}" in text
    assert (
        f"{ids[2]} web AGO orders/updated 3 poison the body is no JSON onhand inbox dismiss {ids[2]} --note WHY"
        in text
    )
    assert f"{ids[3]} web AGO orders/updated 4 dismissed SKU 8 is unknown Dismissed by ada: cancelled" in text
    chosen = words(await read(web, "/inbox?outcome=waiting"))
    assert chosen.endswith(f"{ids[0]} web AGO orders/updated 1 waiting")
    await read(web, "/inbox?outcome=bad", 422)


async def test_pages_renew_themselves_and_a_finished_run_does_not(web: httpx.AsyncClient) -> None:
    renewing = '<meta http-equiv="refresh" content="5">'
    assert renewing in (await web.get("/")).text
    assert renewing in (await web.get("/skus/A")).text
    assert renewing not in (await web.get("/runs/run-1")).text


async def test_one_run(web: httpx.AsyncClient) -> None:
    text = words(await read(web, "/runs/run-1"))
    assert "run-1 partial 1 changed, 1 failed of 2 levels started AGO , took " in text
    assert "Source: 3 rows read, 2 posted, 0 unchanged, 1 refused." in text
    assert (
        "web partial levels 2 changed 1 unchanged 0 skipped 0 failed 1 calls 1 read, 2 write throttled 0 "
        "waited on limits 0.5 s"
    ) in text


async def test_one_sku_answers_why(web: httpx.AsyncClient) -> None:
    page = await read(web, "/skus/A")
    text = words(page)
    assert f"{HOSTILE} · barcode 501" in text
    assert "web shows 7 because 9 are available at leeds + london and 2 are held back for safety." in text
    assert (
        "store (leeds) was never told nor asked; it should show 7 because 7 are available at leeds." in text
    )
    assert "No listing of it on old" in text
    assert "location on hand available moved leeds 7 7 AGO london 2 2 AGO" in text
    assert "should show 7 we believe it shows 7, AGO it answered 7, AGO waits to be told no" in text
    assert "sent from to outcome answered what it said AGO unknown 7 accepted 7" in text
    assert "pool: 9 available at leeds + london → 9 safety buffer: 2 units holds back 2 → 7" in text
    assert text.endswith("AGO receipt test london available +2 → 2 AGO receipt test leeds available +7 → 7")


async def test_a_hostile_name_stays_text(web: httpx.AsyncClient) -> None:
    raw = (await web.get("/skus/A")).text
    assert "<script" not in raw
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in raw


async def test_the_search_field_leads_to_the_sku(web: httpx.AsyncClient) -> None:
    response = await web.get("/skus", params={"sku": " B/1 "})
    assert response.status_code == 303
    assert response.headers["location"] == "/skus/B%2F1"
    assert "Bowl" in words(await read(web, response.headers["location"]))
    assert sku_address("//evil.test/é?#") == "/skus/%2F%2Fevil.test%2F%C3%A9%3F%23"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/skus/AA", 404, "there is no SKU 'AA'"),
        ("/runs/%3Cb%3E", 404, "there is no run '<b>'"),
        ("/nothing", 404, "there is nothing at this address See /docs for what there is."),
        ("/skus", 422, "sku: Field required See /docs for what is accepted."),
    ],
)
async def test_errors_are_pages_for_people(web: httpx.AsyncClient, path: str, status: int, said: str) -> None:
    assert said in words(await read(web, path, status))


async def test_machines_get_json_at_the_same_address(web: httpx.AsyncClient) -> None:
    assert (await web.get("/nothing")).json()["error"]["code"] == "not_found"
    browser = await web.get("/api/nothing", headers={"Accept": "text/html"})
    assert browser.json()["error"]["code"] == "not_found"


async def test_before_the_first_run_the_pages_say_what_to_do(
    ledger: object, database: str, settings: Settings
) -> None:
    async with served(create_app(settings, doors=doors_to(database, None))) as web:
        text = words(await read(web, "/"))
    assert "No channel is known yet: the worker tells the ledger when it starts." in text
    assert "No sync has run yet: onhand sync starts one." in text


def test_the_sheet_loads_nothing_and_cannot_end_its_element() -> None:
    assert "url(" not in SHEET
    assert "@import" not in SHEET
    assert "<" not in SHEET


def test_tags_escape_what_is_put_into_them() -> None:
    assert tag("a", "<b>", 1234, None, ["&", Markup("<i>i</i>")], href='"><', class_="x") == (
        '<a href="&quot;&gt;&lt;" class="x">&lt;b&gt;1,234&amp;<i>i</i></a>'
    )
    assert tag("meta", http_equiv="refresh", content=None) == '<meta http-equiv="refresh">'
    assert table(["n"], [[7], ["x"]]) == (
        '<div class="scroll"><table><thead><tr><th class="number">n</th></tr></thead><tbody>'
        '<tr><td class="number">7</td></tr><tr><td class="number">x</td></tr></tbody></table></div>'
    )
    assert unescape(render(HOSTILE)) == HOSTILE
