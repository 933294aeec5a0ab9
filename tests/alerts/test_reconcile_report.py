"""What people are told after a read-back: one message, above the tolerance only, each drift once."""

from dataclasses import replace
from datetime import UTC, datetime

from onhand.alerts.reconcile_report import drift_message
from onhand.ledger.reconcile import DriftRow, ReconciliationRow

AT = datetime(2026, 11, 26, 2, 15, tzinfo=UTC)
FOUND = ReconciliationRow("r1", None, AT, AT, "drift", {}, "")
ROW = DriftRow(
    1, "r1", "web", "MUG", 7, "item", "", AT, AT, 10, 40, "manual_edit", "by hand <b>", None, "halt", None, "", 1
)  # fmt: skip


def texts(rows: list[DriftRow]) -> list[str]:
    message = drift_message(FOUND, rows, "#alerts")
    assert message is not None
    return [
        block.get("text", block.get("elements", [{}])[0]).get("text", block.get("text"))
        for block in message.blocks
    ]


def test_what_is_within_the_tolerance_is_no_news() -> None:
    assert drift_message(FOUND, [replace(ROW, action="push")], "#alerts") is None
    assert drift_message(FOUND, [], "#alerts") is None


def test_a_halt_is_told_with_its_reason_and_the_command_that_lifts_it() -> None:
    message = drift_message(FOUND, [ROW], "#alerts")
    assert message is not None
    assert (message.channel, message.text) == ("#alerts", "1 level drifted, 1 halted")
    said = "\n".join(map(str, texts([ROW])))
    assert "`MUG` on web showed 40 instead of 10: halted. _by hand &lt;b&gt;_" in said
    assert "`onhand halts lift MUG --channel web`" in said
    assert "• web: manual edit, 1" in said


def test_many_drifts_are_one_message_with_a_few_of_them() -> None:
    rows = [replace(ROW, drift_id=n, sku=f"S{n}", action="widen") for n in range(500)]
    message = drift_message(FOUND, rows, "#alerts")
    assert message is not None
    assert message.text == "500 levels drifted"
    said = "\n".join(map(str, texts(rows)))
    assert said.count("instead of") == 10
    assert "and 490 more" in said
    assert "halts lift" not in said
