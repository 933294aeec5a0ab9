"""`onhand runs release`, and where else a hold is shown."""

from datetime import UTC, datetime
from typing import Any

import pytest

from onhand.cli import runs_release
from onhand.cli import sync as sync_command
from onhand.cli.errors import ExitCode
from onhand.domain.guard import Tally
from onhand.ledger import holds, levels, runs
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelLearnt, ListingCursor
from onhand.messages import SyncRequest
from tests.cli.conftest import Onhand

MUCH = Tally(300, 240, 200, 4_000)
WHY = "it would empty 200 of 300 listings (66.7 %), and move 4,000 pieces in all; what empties more than 20 % is held"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SyncRequest]:
    """The runs that were started; each ends well. Temporal itself is tried elsewhere."""
    asked: list[SyncRequest] = []

    async def connect(settings: Any) -> None:
        return None

    async def run_and_show(client: Any, pool: Any, request: SyncRequest, *, as_json: bool) -> ExitCode:
        asked.append(request)
        return ExitCode.SUCCESS

    monkeypatch.setattr(runs_release, "connect_temporal", connect)
    monkeypatch.setattr(sync_command, "run_and_show", run_and_show)
    monkeypatch.setattr(runs_release.getpass, "getuser", lambda: "jo")
    return asked


@pytest.fixture
async def held(store: Pool) -> Pool:
    """woo showed 12 of A and 30 of B; there is nothing of either. Two runs were held, the second as well."""
    ids, _ = await levels.listing_page(store, "woo", ListingCursor(), 10, None)
    shown = dict(zip(ids, (12, 30), strict=True))
    async with store.connection() as connection:
        learnt = [LevelLearnt(listing, "", expected=quantity) for listing, quantity in shown.items()]
        await levels.book(connection, learnt, datetime.now(UTC))
    for run in ("sync-run-a1", "sync-run-b2"):
        await runs.begin_run(store, run, run, {"trigger": "schedule"})
        await runs.begin_channel(store, run, "woo")
        await holds.save(store, "woo", "sync", run, MUCH, WHY)
        await runs.finish_channel(store, run, "woo", "held", f"held: {WHY}.")
        await runs.finish_run(store, run, "partial", f"woo held: {WHY}.")
    return store


async def only(pool: Pool) -> holds.HeldRun:
    (hold,) = await holds.of_channels(pool)
    return hold


async def test_the_biggest_changes_are_shown_then_released_and_sent(
    held: Pool, onhand: Onhand, started: list[SyncRequest]
) -> None:
    """Goal: what is let go is what was shown, by whom is written down, and a run of that channel begins."""
    answer = await onhand("runs", "release", "--yes", "--show", "1")

    assert answer.code == 0
    assert answer.lines[0].startswith("woo: its sync is held, first just now: it would empty 200 of 300")
    assert [line.split() for line in answer.lines if line.startswith("B ")] == [["B", "102", "30", "0"]]
    assert not any(line.startswith("A ") for line in answer.lines)
    assert answer.lines[-1] == "now: 2 of 2 listings would change, 2 of them to nothing, 42 pieces in all"
    assert answer.stderr.endswith(
        "the biggest are shown; see more with --show, and all with: onhand sync --dry-run\n"
    )
    assert started == [SyncRequest(channels=["woo"], trigger="operator")]
    hold = await only(held)
    assert (hold.released_by, hold.tally, hold.stands) == ("jo", Tally(2, 2, 2, 42), False)
    again = await onhand("runs", "release", "--yes")
    assert again.code == 1
    assert "was held, and released just now by jo; the next one sends it" in " ".join(again.stderr.split())


async def test_without_a_yes_nothing_is_released(
    held: Pool, onhand: Onhand, started: list[SyncRequest]
) -> None:
    """Goal: no answer is no."""
    answer = await onhand("runs", "release", "--channel", "woo")
    assert answer.code == 1
    assert "Send this to woo?" in answer.stderr
    assert ((await only(held)).stands, started) == (True, [])


@pytest.mark.parametrize("named", ["sync-run-a1", "b2"])
async def test_a_run_is_named_by_its_id_or_the_end_of_it(
    held: Pool, onhand: Onhand, started: list[SyncRequest], named: str
) -> None:
    """Goal: whichever of the runs that were held an alert named, it is the same hold."""
    assert (await onhand("runs", "release", named, "--yes")).code == 0
    assert len(started) == 1


async def test_what_cannot_be_released_says_why(
    held: Pool, onhand: Onhand, started: list[SyncRequest]
) -> None:
    """Goal: a run that was not held, a channel that is not, a name nobody knows."""
    await runs.begin_run(held, "sync-run-c3", "sync-run-c3", {})
    for arguments, code, said in (
        (("c3",), 2, "error: run sync-run-c3 was not held"),
        (("zz",), 2, "error: no run is called 'zz'"),
        (("--channel", "bigc"), 1, "error: nothing is held on bigc"),
    ):
        answer = await onhand("runs", "release", *arguments, "--yes")
        assert (answer.code, answer.stderr.splitlines()[0]) == (code, said)
    assert (await only(held)).stands


async def test_a_read_back_that_was_held_is_released_without_a_run(
    store: Pool, onhand: Onhand, started: list[SyncRequest]
) -> None:
    """Goal: the next read-back repairs what it may."""
    await holds.save(store, "bigc", "reconciliation", "reconcile-1", MUCH, WHY)
    answer = await onhand("runs", "release", "--yes")
    assert (answer.code, answer.lines[-1]) == (0, "bigc: released; the next read-back repairs it")
    assert (started, (await only(store)).stands) == ([], False)


async def test_a_hold_is_seen_wherever_channels_and_runs_are(held: Pool, onhand: Onhand) -> None:
    """Goal: nobody has to know the command to learn of it."""
    for command in (("runs", "list"), ("channels", "list")):
        answer = await onhand(*command)
        assert "woo: its sync is held, first just now: it would empty 200 of 300" in answer.stdout
        assert "  release it: onhand runs release --channel woo" in answer.stdout
    shown = await onhand("runs", "show")
    assert " ".join(shown.stdout.split()).count("held: it would empty 200 of 300 listings (66.7 %)") == 1
    listed = (await onhand("channels", "list", "--json")).json
    assert {row["state"]["channel"]: len(row["holds"]) for row in listed} == {"woo": 1, "bigc": 0}
    (row,) = [r for r in listed if r["holds"]]
    assert (row["state"]["run_status"], row["holds"][0]["tally"]["zeroing"]) == ("held", 200)


async def test_the_doctor_knows_of_it(held: Pool, onhand: Onhand) -> None:
    """Goal: a gap, with both ways out."""
    findings = (await onhand("doctor", "--offline", "--json")).json["findings"]
    (finding,) = [each for each in findings if each["subject"] == "held woo"]
    assert finding["health"] == "gap"
    assert finding["message"].startswith("woo: its sync is held, first just now: it would empty 200 of 300")
    assert finding["advice"].endswith("Where it is right: onhand runs release --channel woo")


async def test_explain_names_the_run_that_is_held_where_a_level_waits_for_it(
    held: Pool, onhand: Onhand, started: list[SyncRequest]
) -> None:
    """Goal: not where the level is right, and not once the run was released."""
    said = "A run was held just now because it would empty 200 of 300 listings (66.7 %)"
    (level,) = (await onhand("explain", "A", "--channel", "woo", "--json")).json["levels"]
    assert said in level["sentence"]
    assert level["held_run"]["run_id"] == "sync-run-b2"
    elsewhere = (await onhand("explain", "A", "--channel", "bigc", "--json")).json["levels"]
    assert [(each["held_run"], said in each["sentence"]) for each in elsewhere] == [(None, False)] * len(
        elsewhere
    )
    assert (await onhand("runs", "release", "--yes")).code == 0
    (level,) = (await onhand("explain", "A", "--channel", "woo", "--json")).json["levels"]
    assert (level["held_run"], said in level["sentence"]) == (None, False)
