"""`onhand runs`: what a sync did, and everything it could not do with the reason and the remedy."""

from pathlib import Path

from onhand.embedded.state import StackState, write_state
from onhand.ledger import catalogue, runs
from onhand.ledger.catalogue import RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.levels import Failure
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql

RUN = "sync-run-2026-01-05T12:00:00Z"


async def recorded(pool: Pool, run: str = RUN) -> None:
    """A run on woo that changed one level and failed with two, and a source that had one bad row."""
    apple, bread, other = [listing for (listing,) in await sql(pool, "SELECT id FROM listing ORDER BY id")]
    await runs.begin_run(pool, run, run, {"full": True, "channels": ["woo"], "trigger": "operator"})
    await runs.record_rows(pool, run, read=1_200, posted=3, unchanged=1_196, refused=1)
    await runs.begin_channel(pool, run, "woo")
    await runs.start_channel(pool, run, "woo", None)
    await runs.save_plan_page(pool, run, "woo", 0, 4, [(apple, ""), (bread, ""), (other, "")])
    failures = [
        Failure(
            bread, "", "RowRejected", "woo: setting SKU B failed (HTTP 400): Invalid ID.", "Map it anew."
        ),
        Failure(other, "", "RowRejected", "woo: setting SKU A failed: [gone].", "Map it anew."),
    ]
    async with pool.connection() as connection:
        await runs.settle_plan(connection, run, "woo", {0: "changed", 1: "failed", 2: "failed"})
        await runs.save_failures(connection, run, "woo", failures)
        await runs.add_costs(connection, run, "woo", reads=1, writes=2, throttled=1, waited=3.2)
    await runs.finish_channel(pool, run, "woo", None, "")
    await runs.finish_run(pool, run, "partial", "woo: 1 changed, 2 failed")
    row = RefusedRow("stock.csv line 7", "A,x", "not_a_number", 'stock.csv line 7: "x" is not a number.')
    await catalogue.save_refused_rows(pool, "source/csv", run, [row])


async def test_runs_are_listed_newest_first(store: Pool, onhand: Onhand) -> None:
    await recorded(store, "sync-run-1")
    await recorded(store, "sync-run-2")

    answer = await onhand("runs", "list")

    assert " ".join(answer.lines[0].split()) == "run started took by status source rows refused"
    assert [line.split()[0] for line in answer.lines[2:]] == ["sync-run-2", "sync-run-1"]
    assert answer.lines[2].endswith("operator  partial  3 new of 1,200        1")
    assert [run["id"] for run in (await onhand("runs", "list", "-n", 1, "--json")).json] == ["sync-run-2"]


async def test_before_the_first_run_it_says_how_to_start_one(store: Pool, onhand: Onhand) -> None:
    assert (await onhand("runs", "list")).stdout == "there has been no run yet; start one: onhand sync\n"
    answer = await onhand("runs", "show")
    assert (answer.code, answer.stderr) == (
        1,
        "error: there has been no run yet\nwhat to do: Start one: onhand sync\n",
    )


async def test_a_run_is_shown_with_every_failure_its_reason_and_remedy(store: Pool, onhand: Onhand) -> None:
    await recorded(store)

    answer = await onhand("runs", "show")

    assert answer.code == 0
    assert answer.lines[:2] == [f"run {RUN} partial", "woo: 1 changed, 2 failed"]
    assert answer.lines[2].endswith("full sync of channel woo by operator")
    assert answer.lines[3] == "source: 1,200 rows, 3 posted, 1,196 unchanged, 1 refused"
    assert " ".join(answer.lines[4].split()) == (
        "channel status levels changed unchanged unmapped failed reads writes throttled waited took"
    )
    assert " ".join(answer.lines[6].split()[:12]) == "woo partial 4 1 1 1 2 1 2 1 3.2 s"
    assert answer.lines[7:] == [
        "woo: 2 levels not set, RowRejected",
        "what to do: Map it anew.",
        "sku  item  place  reason",
        "───────────────────────────────────────────────────────────────────",
        "A    7            woo: setting SKU A failed: [gone].",
        "B    102          woo: setting SKU B failed (HTTP 400): Invalid ID.",
        "source: 1 row refused",
        "row               problem       why",
        "──────────────────────────────────────────────────────────────────────",
        'stock.csv line 7  not a number  stock.csv line 7: "x" is not a number.',
    ]


async def test_a_long_list_is_cut_and_says_so(store: Pool, onhand: Onhand) -> None:
    await recorded(store)
    answer = await onhand("runs", "show", "--show", 1)
    assert "setting SKU A" in answer.stdout
    assert "setting SKU B" not in answer.stdout
    assert "woo: 2 levels not set" in answer.stdout
    assert answer.stderr == "1 more failures; see them with --show or --json\n"


async def test_a_run_is_found_by_the_end_of_its_id(store: Pool, onhand: Onhand) -> None:
    await recorded(store, "sync-run-a1")
    await recorded(store, "sync-run-b1")
    assert (await onhand("runs", "show", "a1")).lines[0] == "run sync-run-a1 partial"
    assert (await onhand("runs", "show", "1")).stderr.startswith("error: 2 runs end with '1'")
    unknown = await onhand("runs", "show", "zz")
    assert (unknown.code, unknown.stderr.splitlines()[0]) == (2, "error: no run is called 'zz'")


async def test_scripts_get_the_whole_record(store: Pool, onhand: Onhand) -> None:
    await recorded(store)
    document = (await onhand("runs", "show", RUN, "--json")).json
    assert document["run"]["status"] == "partial"
    assert document["channels"][0]["failed"] == 2
    assert [failure["advice"] for failure in document["failures"]] == ["Map it anew."] * 2
    assert document["refused_rows"][0]["problem"] == "not_a_number"
    assert document["web_ui"] == ""


async def test_where_a_stack_runs_here_the_run_is_linked(store: Pool, onhand: Onhand, config: Path) -> None:
    await recorded(store)
    write_state(config.parent / ".onhand", StackState(urls={"temporal_ui": "http://127.0.0.1:8233"}))
    answer = await onhand("runs", "show")
    assert f"Temporal: http://127.0.0.1:8233/namespaces/default/workflows/{RUN}" in answer.lines
