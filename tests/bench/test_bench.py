"""The benchmarks at a tiny scale: they run to their end, answer the keys that were promised, and what must hold holds.

Nothing here is about time: figures of such a run mean nothing.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.figures import Goal, medians
from bench.full_sync import FULL_SYNC
from bench.ledger_post import make_events
from bench.mixed_events import mixed_events
from bench.report import HEAD, section, words, write
from bench.world import ROOT
from onhand.domain.events import EventKind

FULL_SYNC_KEYS = {
    "shopify_over_limit",
    "woocommerce_over_limit",
    "bigcommerce_over_limit",
    "run_over_slowest",
    "unlimited_vs_httpx",
    "shopify_calls",
    "max_history_events",
    "second_run_writes",
    "rss_growth",
}


def bench(*arguments: str, seconds: float = 280) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


def figures_of(*arguments: str, seconds: float = 280) -> dict[str, Any]:
    answer = bench(*arguments, "--json", seconds=seconds)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


@pytest.mark.timeout(300)  # six servers and five workers start in it
def test_full_sync_answers_every_named_figure() -> None:
    figures = figures_of("full_sync", "--scale", "0.004", "--runs", "1")

    assert figures.keys() >= FULL_SYNC_KEYS
    assert figures["skus"] == 200
    assert figures["shopify_calls"] == 1
    assert figures["second_run_writes"] == 0
    assert figures["shopify_first_over_limit"] is None, (
        "200 levels fit into the bucket: its limits say nothing"
    )
    assert figures["shopify_full_bucket_seconds"] is None
    assert figures["woocommerce_over_limit"] >= 1
    assert figures["bigcommerce_over_limit"] >= 1
    assert figures["run_over_slowest"] >= 1
    assert figures["unlimited_vs_httpx"] > 0
    assert 0 < figures["max_history_events"] < 2_000


def test_mixed_events_are_of_every_kind_and_balanced() -> None:
    """Goal: nothing that the ledger takes is left out of what is called all kinds; each has an id of its own."""
    events = mixed_events(50, 110, 7, "x")
    assert {event.kind for event in events} == set(EventKind)
    assert len({event.external_id for event in events}) == 110
    assert [event.external_id for event in events if len(event.entries) == 6][:3] == ["x-1", "x-10", "x-15"]


def test_ledger_post_answers_every_named_figure() -> None:
    figures = figures_of("ledger_post", "--scale", "0.01", "--runs", "1")

    assert figures.keys() >= {"events_per_s", "mixed_events_per_s", "vs_copy"}
    assert figures["events"] == 1_000
    assert figures["kits"] == 10
    assert figures["events_per_s"] > 0
    assert figures["mixed_events_per_s"] > 0
    assert figures["vs_copy"] > 0


def test_accept_answers_every_named_figure() -> None:
    """Goal: every order that was answered is in the inbox once, or the benchmark fails."""
    figures = figures_of("accept", "--scale", "0.01", "--runs", "1")

    assert figures.keys() >= {"requests_per_s", "vs_noop", "p99_ms"}
    assert figures["requests"] == 200
    assert figures["requests_per_s"] > 0
    assert figures["vs_noop"] > 0


@pytest.mark.timeout(300)  # four servers and a worker start in it
def test_drift_answers_every_named_figure() -> None:
    """Goal: what is changed and what is lost is found in one read-back, at any scale."""
    figures = figures_of("drift", "--scale", "0.002", "--runs", "1")

    assert figures.keys() >= {"cycles_to_find", "cycles_to_repair", "silent_found_share"}
    assert (figures["skus"], figures["changed_levels"]) == (100, 6)
    assert (figures["cycles_to_find"], figures["cycles_to_repair"]) == (1, 1)
    assert figures["accused_in_vain"] == 0
    assert (figures["silent_found_share"], figures["silent_named_share"]) == (1.0, 1.0)
    assert figures["silent_wrong_after"] == 0


@pytest.mark.timeout(300)  # six servers start in it
def test_read_back_answers_every_named_figure() -> None:
    """Goal: every level was found and nothing wrong with any, or the benchmark fails; what it tells was promised."""
    figures = figures_of("read_back", "--scale", "0.01", "--runs", "1")

    named = {f"{name}_over_limit" for name in ("shopify", "woocommerce", "bigcommerce")}
    assert figures.keys() >= {*named, "rss_growth"}
    assert figures["skus"] == 500
    assert figures["shopify_calls"] == 1 + 2, "a count, and two pages"
    assert figures["woocommerce_calls"] == 7, (
        "the probe of the route, five pages of products, one of variations"
    )
    assert figures["bigcommerce_calls"] == 3, "two lists of what the catalogue hides, and a page"
    assert figures["woocommerce_over_limit"] >= 1
    assert figures["bigcommerce_over_limit"] is None, "nine times three calls fit into one window"
    assert figures["rss_mb_large"] > 0


def test_black_friday_answers_every_named_figure() -> None:
    """Goal: each way has its figures; what must hold on every day holds on these two."""
    figures = figures_of("black_friday", "--scale", "0.01")

    ways = (
        "every_15_minutes",
        "each_order",
        "fixed",
        "pooled_relative",
        "adaptive_relative",
        "adaptive_mixed",
    )
    named = [f"{figure}_{way}" for way in ways for figure in ("oversold", "unsold_share", "turned_away")]
    assert figures.keys() >= set(named)
    assert figures["days"] == 2
    assert figures["p99_adaptive_relative"] == 0
    assert figures["mishaps_p99_planned_mixed"] == 0
    assert figures["oversold_every_15_minutes"] > figures["oversold_each_order"] > 0


@pytest.mark.timeout(300)  # fifteen processes start in it
def test_rush_answers_every_named_figure() -> None:
    """Goal: a tenth of the buyers of each way find an order's way through all of it; there is enough for them."""
    figures = figures_of("rush", "--scale", "0.1", "--runs", "1")

    ways = ("pooled", "adaptive", "campaign")
    assert figures.keys() == {
        "rushes",
        *(f"{figure}_{way}" for way in ways for figure in ("oversold", "most", "unsold")),
    }
    assert [figures[f"oversold_{way}"] for way in ways] == [0, 0, 0]
    assert all(0 < figures[f"unsold_{way}"] < 200 for way in ways)


def test_allocate_answers_every_named_figure() -> None:
    """Goal: both ways come to the same levels, or the benchmark fails."""
    figures = figures_of("allocate", "--scale", "0.002", "--runs", "1")

    assert figures.keys() >= {
        "listings_per_s",
        "vs_naive",
        "partitioned_listings_per_s",
        "last_units_listings_per_s",
    }
    assert (figures["skus"], figures["listings"]) == (100, 500)
    assert figures["listings_per_s"] > 0


def test_an_unknown_name_is_refused_and_the_known_ones_are_told() -> None:
    answer = bench("ful_sync")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert (
        answer.stderr
        == "error: there is no benchmark 'ful_sync'; there are ledger_post, explain, validate, accept, "
        "full_sync, time_to_sync, replay_orders, read_back, drift, chaos, black_friday, rush, forecast, allocate, all\n"
    )


def test_all_has_no_single_object() -> None:
    answer = bench("all", "--json")

    assert (answer.returncode, answer.stderr) == (
        2,
        "error: --json prints the figures of one benchmark: name it\n",
    )


def test_goals_know_when_they_are_met() -> None:
    most, least = Goal("a", "", at_most=1.05), Goal("b", "", at_least=20_000)

    assert [most.met(figure) for figure in (1.05, 1.06, None)] == [True, False, None]
    assert [least.met(figure) for figure in (20_000, 19_999)] == [True, False]
    assert (most.bound, least.bound) == ("≤ 1.05", "≥ 20,000")


def test_the_median_is_taken_of_each_figure_on_its_own() -> None:
    rounds = [{"a": 1.0, "b": 30, "c": None}, {"a": 3.0, "b": 10, "c": 1.0}, {"a": 2.0, "b": 20, "c": 2.0}]

    assert medians(rounds) == {"a": 2.0, "b": 20, "c": 2.0}


@pytest.mark.parametrize(
    ("figure", "text"),
    [(None, "too small to say"), (12_345, "12,345"), (1.05, "1.05"), (2.0, "2"), ("x", "x")],
)
def test_figures_are_written_for_people(figure: float | str | None, text: str) -> None:
    assert words(figure) == text


def test_a_section_replaces_the_one_of_its_name_and_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    write("## other\n\nwords\n", path)
    write(section(FULL_SYNC, {"shopify_calls": 300}, "old"), path)
    write(section(FULL_SYNC, {"shopify_calls": 200, "more": 1}, "new command"), path)

    text = path.read_text(encoding="utf-8")
    assert text.startswith(HEAD.strip())
    assert text.count("## full_sync") == text.count("## other") == 1
    assert "| `shopify_calls` | Write calls for all Shopify levels | 200 | ≤ 205 | met |" in text
    assert "| `more` | 1 |" in text
    assert "`new command`" in text


def test_events_of_the_ledger_are_a_mix_and_each_stands_once() -> None:
    events = make_events(50, 100, "x")

    assert len({(event.source, event.external_id) for event in events}) == 100
    kinds = [event.kind.value for event in events]
    assert {kind: kinds.count(kind) for kind in kinds} == {"receipt": 40, "adjustment": 40, "order": 20}
    assert {len(event.entries) for event in events if event.kind == "order"} == {4}
