"""The page: whole by itself, small, and safe in a mail program; the message: short, within Slack's limits."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

from onhand.domain.days import NOT_COUNTED, ChannelDay, DayReport, OversellOfDay, SyncTimes, span_of
from onhand.reports import files
from onhand.reports.headline import calls_text, drift_text, headline, sync_text
from onhand.reports.message import day_message
from onhand.reports.page import page

DAY = date(2026, 11, 26)
SPAN = span_of(DAY, UTC)
WEB = ChannelDay(
    "web",
    drift={"lost_write": 14, "manual_edit": 2},
    drift_resolved=15,
    sync=SyncTimes(812, 0.41, 1.2, 75.0),
    sent=1_300,
    accepted=1_204,
    failed=3,
    accepted_live=812,
    halts_placed=2,
    halts_standing=1,
    halted_orders=1,
    halted_units=4,
    calls_sync=96,
    calls_read_back=41,
    throttled=2,
    waited_seconds=3.5,
    orders_by_webhook=310,
    orders_by_sweep=2,
    poison=1,
    held_runs=1,
)
REPORT = DayReport(
    SPAN,
    datetime(2026, 11, 27, 7, 0, tzinfo=UTC),
    (WEB, ChannelDay("store")),
    (
        OversellOfDay("A<1>", 3, "web", SPAN.begins, None),
        OversellOfDay("B", 1, None, SPAN.begins, SPAN.begins + timedelta(hours=1)),
    ),
    {"partial": 1, "success": 95},
    {"clean": 94, "drift": 2},
    refused_rows=12,
    conflicts=1,
)
QUIET = DayReport(SPAN, datetime(2026, 11, 26, 12, 0, tzinfo=UTC), (ChannelDay("web", accepted=1),))


class Elements(HTMLParser):
    """What is in a page: elements with their attributes, text, and what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def test_the_page_is_whole_by_itself() -> None:
    """Goal: a mail program shows it: nothing loaded, no script, no sheet, styles on the elements, every tag closed."""
    elements = Elements(page(REPORT))
    assert elements.open == []
    used = {tag for tag, _ in elements.found}
    assert used == {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "table",
        "tr",
        "td",
        "th",
        "p",
        "h1",
        "h2",
        "span",
    }
    attributes = {name for _, given in elements.found for name in given}
    assert attributes & {"src", "href", "class", "id"} == set()
    assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in page(REPORT)


def test_the_page_says_what_the_day_was() -> None:
    """Goal: the sentence first, each number with its name, hostile names as text, what is not counted at the end."""
    texts = Elements(page(REPORT)).texts
    assert texts[:4] == [
        "Onhand, 2026-11-26",
        "Onhand, the day before",
        "Thursday, 26 November 2026",
        "1,204 levels told; 2 oversells, 2 listings halted, 1 run held, 16 levels drifted, 3 levels refused, "
        "1 delivery not taken",
    ]
    assert texts[4:12] == [
        "Oversold",
        "A<1>",
        "3 short",
        "sold last on web",
        "still open",
        "B",
        "1 short",
        "over",
    ]
    numbers = texts[texts.index("store") + 1 : texts.index("Runs")]
    assert list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)) == [
        ("levels told", "1,204", "0"),
        ("… as they changed", "812", "0"),
        ("levels refused", "3", "0"),
        ("time-to-sync p50 / p95 / p99", "410 ms / 1.2 s / 1 min 15 s", "–"),
        ("orders heard by webhook", "310", "0"),
        ("… by the sweep alone", "2", "0"),
        ("deliveries not taken", "1", "0"),
        ("drift, by cause", "14 lost write, 2 manual edit", "none"),
        ("… right again", "15", "0"),
        ("halts placed", "2", "0"),
        ("… lifted", "0", "0"),
        ("… standing at the end", "1", "0"),
        ("orders while halted (units)", "1 (4)", "0"),
        ("runs held", "1", "0"),
        ("calls: runs + read-backs", "96 + 41, 2 throttled, waited 3.5 s", "0 + 0"),
    ]
    assert texts[texts.index("Runs") + 1 :] == [
        "sync runs", "1 partial, 95 success", "read-backs", "94 clean, 2 drift",
        "rows of the source refused", "12", "contradictions of authorities", "1",
        NOT_COUNTED,
        "From 2026-11-26 00:00 to 2026-11-27 00:00 (UTC), made at 2026-11-27 07:00. The same in a terminal:",
        "onhand report --day 2026-11-26",
    ]  # fmt: skip


def test_a_page_of_a_bad_day_is_still_small() -> None:
    """Goal: mail programs cut what is above 100 kB. Method: nine channels, two thousand oversells with long names."""
    oversells = tuple(OversellOfDay(f"{n:05}" + "x" * 195, n, "web", SPAN.begins, None) for n in range(2_000))
    channels = tuple(replace(WEB, channel=f"channel-{n}") for n in range(9))
    text = page(replace(REPORT, channels=channels, oversells=oversells))
    assert len(text.encode()) < 100_000
    assert "and 1,950 more" in text


def test_a_day_that_is_not_over_says_so() -> None:
    """Goal: today's numbers are not mistaken for the day's."""
    assert headline(QUIET) == "1 level told so far; nothing that anybody had to see to"
    assert "Onhand, the day so far" in page(QUIET)
    assert headline(replace(QUIET, made_at=SPAN.ends)) == ("1 level told; nothing that anybody had to see to")


def test_numbers_in_words() -> None:
    """Goal: nothing measured is a dash, nothing found is none."""
    assert (sync_text(SyncTimes()), drift_text({})) == ("–", "none")
    assert calls_text(ChannelDay("web", calls_sync=1, waited_seconds=0.04)) == "1 + 0"


def test_the_message_is_short_and_says_the_same() -> None:
    """Goal: what a person reads on a telephone; hostile names make no mention and no link."""
    message = day_message("#stock", REPORT)
    assert message.channel == "#stock"
    assert message.text.startswith("Onhand, Thursday, 26 November 2026: 1,204 levels told; 2 oversells,")
    texts = [block.get("text", {}).get("text", "") for block in message.blocks]
    assert texts[2] == "*Oversold*\n• `A&lt;1&gt;`: 3 short, *still open*\n• `B`: 1 short, over"
    assert texts[3].splitlines() == [
        "*web*: 1,204 levels told, 3 refused; synced in 410 ms / 1.2 s / 1 min 15 s (p50 / p95 / p99)",
        "orders: 310 by webhook, 2 by the sweep alone; 1 not taken",
        "drift: 14 lost write, 2 manual edit; halts: 2 placed, 0 lifted, 1 standing; 1 order while halted (4 units); "
        "1 run held",
        "calls (runs + read-backs): 96 + 41, 2 throttled, waited 3.5 s",
    ]
    assert message.blocks[-1]["elements"][0]["text"] == (
        "Runs: 1 partial, 95 success. Read-backs: 94 clean, 2 drift. All of it: `onhand report --day 2026-11-26`"
    )


def test_a_message_of_many_channels_stays_within_slacks_limits() -> None:
    """Goal: 80 channels are 50 blocks, and it says that there are more."""
    message = day_message(
        "#stock", replace(REPORT, channels=tuple(replace(WEB, channel=str(n)) for n in range(80)))
    )
    assert len(message.blocks) == 50
    assert "more channels" in json.dumps(message.blocks)


def test_files_are_kept_by_their_day(tmp_path: Path) -> None:
    """Goal: the newest first, whatever else lies there; a second report of a day takes the place of the first."""
    assert files.days(tmp_path) == []
    assert files.read(tmp_path, DAY) is None
    for day, text in ((DAY, "old"), (date(2026, 11, 27), "x"), (DAY, "new")):
        written = files.write(tmp_path, day, text)
        assert re.fullmatch(r"2026-11-2[67]\.html", written.name)
    (tmp_path / "reports" / "notes.html").write_text("mine")
    assert files.days(tmp_path) == [date(2026, 11, 27), DAY]
    assert files.read(tmp_path, DAY) == "new"
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "2026-11-26.html", "2026-11-27.html", "notes.html",
    ]  # fmt: skip
