"""The judgement over HTTP and at the top of the overview; and the daily reports in the browser."""

from datetime import date
from pathlib import Path

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from onhand.domain.health import Facts, Health, Problem, Service, Verdict
from onhand.ledger import work
from onhand.ledger.database import Pool
from onhand.reports import files
from onhand.settings import Settings
from onhand.web.app import create_app
from onhand.web.html import render
from onhand.web.standing_view import standing
from tests.domain.test_problems import NOW
from tests.web.conftest import HOSTILE, doors_to, served
from tests.web.test_pages import Checked, read, words


async def test_the_judgement_as_json(web: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: the same as `onhand status --json`: health, problems with commands, and the facts."""
    await work.pause(stocked, "web", "theme")
    response = await web.get("/status")
    assert response.status_code == 200
    told = response.json()
    assert set(told) == {"health", "problems", "facts"}
    assert told["health"] == "broken"
    paused = [p for p in told["problems"] if p["command"] == "onhand channels resume web"]
    assert [(p["severity"], p["subject"], p["sentence"]) for p in paused] == [
        ("attention", "web", "telling it changes is paused (theme)")
    ]
    assert [channel["name"] for channel in told["facts"]["channels"]] == ["store", "web"]
    answering = {service["name"] for service in told["facts"]["services"] if not service["said"]}
    assert {"postgres", "temporal", "web"} <= answering


async def test_the_overview_begins_with_it(web: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: whoever opens the app sees first whether all is well."""
    await work.pause(stocked, "web", "theme")
    page = await read(web, "/")
    text = words(page)
    assert "broken, " in text[: text.index("Channels")]
    assert "web telling it changes is paused (theme) AGO onhand channels resume web" in text
    assert "/reports" in page.links


def test_all_well_is_one_sentence() -> None:
    """Goal: nothing to read where nothing is to do."""
    verdict = Verdict(Health.OK, (), Facts(NOW, 900, 60))
    assert render(standing(verdict)) == ('<section><h1><span class="good">All is well</span></h1></section>')


@pytest.mark.parametrize(
    ("severities", "sentence"),
    [
        ([Health.BROKEN], "1 broken"),
        ([Health.BROKEN, Health.BROKEN, Health.ATTENTION], "2 broken, 1 to look at"),
        ([Health.ATTENTION], "It works; 1 to look at"),
    ],
)
def test_problems_are_counted_and_hostile_words_stay_words(severities: list[Health], sentence: str) -> None:
    """Goal: what a channel says cannot become markup."""
    problems = tuple(Problem(each, "web", HOSTILE, None, "onhand doctor") for each in severities)
    page = render(standing(Verdict(severities[0], problems, Facts(NOW, 900, 60))))
    assert "<script" not in page
    assert Checked(page).text[0] == sentence


async def test_what_does_not_answer_is_a_problem_and_no_error(ledger: Pool, settings: Settings) -> None:
    """Goal: a monitor is answered while the ledger is away."""
    app = create_app(settings, doors=doors_to("postgresql://127.0.0.1:1/none", None))
    async with served(app) as client:
        response = await client.get("/status")
    assert response.status_code == 200
    told = response.json()
    assert told["health"] == "broken"
    assert {"postgres", "temporal"} <= {problem["subject"] for problem in told["problems"]}
    assert (told["facts"]["channels"], told["facts"]["ledger"]) == (None, None)


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Settings:
    """Reports of two days."""
    for day in (date(2026, 11, 25), date(2026, 11, 26)):
        files.write(tmp_path, day, f"<!doctype html>\n<p>{day}</p>")
    return settings.model_copy(update={"data_dir": tmp_path})


async def test_the_reports_in_the_browser(
    stocked: Pool, database: str, kept: Settings, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: the newest first; each is the file as it was made, and may run and load nothing."""
    async with served(create_app(kept, doors=doors_to(database, temporal_env.client))) as client:
        page = await read(client, "/reports")
        assert [link for link in page.links if link.startswith("/reports/")] == [
            "/reports/2026-11-26",
            "/reports/2026-11-25",
        ]
        one = await client.get("/reports/2026-11-26", headers={"Accept": "text/html"})
        assert (one.status_code, one.text) == (200, "<!doctype html>\n<p>2026-11-26</p>")
        policy = one.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
        for day in ("2026-11-24", "..%2Fx", "yesterday"):
            assert (await client.get(f"/reports/{day}")).status_code == 404


async def test_before_the_first_report_the_page_says_how_one_is_made(
    stocked: Pool, database: str, settings: Settings, tmp_path: Path, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: an empty list is an answer."""
    empty = settings.model_copy(update={"data_dir": tmp_path})
    async with served(create_app(empty, doors=doors_to(database, temporal_env.client))) as client:
        text = words(await read(client, "/reports"))
    assert "None yet: one is made every morning, and by onhand report --send." in text


def test_services_answer_or_say_why() -> None:
    """Goal: a service without a word is one that answers."""
    assert Service("web").answers
    assert not Service("web", "no").answers
