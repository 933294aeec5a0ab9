"""`onhand report`: a day in a terminal, as a file, and to people."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onhand.ledger.database import Pool
from tests.alerts.slack_double import SlackDouble, refusal, running
from tests.cli.conftest import Onhand


async def test_a_day_in_a_terminal(store: Pool, onhand: Onhand) -> None:
    """Goal: the sentence, one line a number, one column a channel, and what is not counted."""
    answer = await onhand("report", "--day", "2026-11-26")
    assert answer.code == 0
    assert answer.lines[0].startswith("Thursday, 26 November 2026  0 levels told")
    assert answer.lines[1].split() == ["woo", "bigc"]
    assert answer.lines[3] == "levels told                       0      0"
    assert "Calls are those of sync runs" in answer.stdout


async def test_which_day(store: Pool, onhand: Onhand) -> None:
    """Goal: the last whole day unless one is named, by its date or as people say it."""
    today = datetime.now(UTC).date()

    async def day(*arguments: str) -> str:
        told = (await onhand("report", "--json", *arguments)).json["report"]["span"]["day"]
        return str(told)

    assert await day() == await day("--day", "yesterday") == (today - timedelta(days=1)).isoformat()
    assert await day("--day", "today") == today.isoformat()
    assert await day("--day", "2026-02-28") == "2026-02-28"
    wrong = await onhand("report", "--day", "26.11.2026")
    assert wrong.code == 2
    assert "YYYY-MM-DD, today, yesterday" in " ".join(wrong.stderr.split())


async def test_as_a_file(store: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: the page that is mailed, wherever it is wanted."""
    answer = await onhand("report", "--day", "2026-11-26", "--html", tmp_path / "day.html")
    assert (answer.code, answer.stdout) == (0, "")
    assert (tmp_path / "day.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(("refused", "code"), [(False, 0), (True, 3)])
async def test_to_people(
    store: Pool, onhand: Onhand, config: Path, monkeypatch: pytest.MonkeyPatch, refused: bool, code: int
) -> None:
    """Goal: the page is kept and Slack told; where Slack refuses, it says so and the page is kept all the same."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-planted-token")
    double = SlackDouble(refusal("channel_not_found")) if refused else SlackDouble()
    async with running(double) as slack:
        slacks = f'[slack]\ntoken_env = "SLACK_TOKEN"\nbase_url = "{slack.base_url}"\n'
        config.write_text(f"{config.read_text()}\n{slacks}")
        answer = await onhand("report", "--day", "2026-11-26", "--send")
    assert answer.code == code
    kept = config.parent / ".onhand" / "reports" / "2026-11-26.html"
    assert kept.read_text().startswith("<!doctype html>")
    assert [asked["channel"] for asked in double.asked] == ["#stock"]
    said = " ".join(re.sub(r"\s+", " ", answer.stderr).split())
    assert ("Slack was not told: Slack said channel_not_found" in said) is refused


async def test_without_slack_the_page_is_kept(store: Pool, onhand: Onhand) -> None:
    """Goal: Slack is no duty."""
    answer = await onhand("report", "--day", "2026-11-26", "--send")
    assert answer.code == 0
    assert "slack.token_env is not set" in " ".join(answer.stderr.split())
