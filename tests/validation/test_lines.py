"""Lines of a history: what each stands for, and what is refused with which words; the same in both formats."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import Entry, Event, EventKind
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.states import State
from onhand.validation.files import FileUnfitError, Read, Total, read_history, read_totals
from onhand.validation.lines import LineRefusedError, read_fields, stated_of

AT = "2026-11-01T08:00:00Z"
TABLE = """kind,id,at,source,sku,location,quantity,to_location,from,to,meaning,line,ordered,cancelled,fulfilled,version
receipt,r-1,2026-11-01T08:00:00Z,wms,MUG,leeds,10,,,,,,,,,
transfer_out,t-1,2026-11-01T09:00:00+01:00,wms,MUG,leeds,2,london,,,,,,,,
return,b-1,2026-11-01T09:00:00Z,,MUG,leeds,1,,customer,quality_control,,,,,,
order,1001,2026-11-01T10:00:00Z,shop,MUG,leeds,,,,,,1,3,1,0,7
order,1001,2026-11-01T10:00:00Z,shop,CUP,leeds,,,,,,2,2,0,2,7
order,1001,2026-11-01T11:00:00Z,shop,MUG,leeds,,,,,,1,3,1,2,8
count,c-1,2026-11-01T12:00:00Z,,MUG,leeds,4,,,,on_hand,,,,,
"""
LINES: list[dict[str, Any]] = [
    {
        "kind": "receipt",
        "id": "r-1",
        "at": AT,
        "source": "wms",
        "sku": "MUG",
        "location": "leeds",
        "quantity": 10,
    },
    {
        "kind": "transfer_out",
        "id": "t-1",
        "at": "2026-11-01T09:00:00+01:00",
        "source": "wms",
        "sku": "MUG",
        "location": "leeds",
        "quantity": 2,
        "to_location": "london",
    },
    {
        "kind": "return",
        "id": "b-1",
        "at": "2026-11-01T09:00:00Z",
        "sku": "MUG",
        "location": "leeds",
        "quantity": 1,
        "from": "customer",
        "to": "quality_control",
    },
    {
        "kind": "order",
        "id": "1001",
        "at": "2026-11-01T10:00:00Z",
        "source": "shop",
        "version": 7,
        "lines": [
            {"id": "1", "sku": "MUG", "location": "leeds", "ordered": 3, "cancelled": 1},
            {"id": "2", "sku": "CUP", "location": "leeds", "ordered": 2, "fulfilled": 2},
        ],
    },
    {
        "kind": "order",
        "id": "1001",
        "at": "2026-11-01T11:00:00Z",
        "source": "shop",
        "version": 8,
        "lines": [
            {"id": "1", "sku": "MUG", "location": "leeds", "ordered": 3, "cancelled": 1, "fulfilled": 2}
        ],
    },
    {
        "kind": "count",
        "id": "c-1",
        "at": "2026-11-01T12:00:00Z",
        "sku": "MUG",
        "location": "leeds",
        "quantity": 4,
        "meaning": "on_hand",
    },
]


def _line(**changed: object) -> dict[str, Any]:
    return {**LINES[0], **changed}


def test_a_table_and_lines_of_json_say_the_same(tmp_path: Path) -> None:
    """Goal: both formats, gzipped or not, stand for the same statements; rows of one order are one snapshot."""
    table, lines = tmp_path / "history.csv", tmp_path / "history.jsonl.gz"
    table.write_text(TABLE)
    with gzip.open(lines, "wt") as text:
        text.writelines(json.dumps(line) + "\n" for line in LINES)

    from_table, from_lines = list(read_history(table)), list(read_history(lines))

    assert [each.stated for each in from_table] == [each.stated for each in from_lines]
    assert [each.row for each in from_table] == [2, 3, 4, 5, 7, 8]
    assert [each.row for each in from_lines] == [1, 2, 3, 4, 5, 6]
    receipt, transfer, returned, order, later, count = (each.stated for each in from_table)
    assert isinstance(receipt, Event)
    assert (receipt.kind, receipt.source, receipt.external_id) == (EventKind.RECEIPT, "wms", "r-1")
    assert isinstance(transfer, Event)
    assert transfer.entries[1] == Entry("MUG", "london", State.IN_TRANSIT, 2)
    assert isinstance(returned, Event)
    assert (returned.kind, returned.source) == (EventKind.RETURN, "history")
    assert returned.entries == (
        Entry("MUG", "leeds", State.CUSTOMER, -1),
        Entry("MUG", "leeds", State.QUALITY_CONTROL, 1),
    )
    assert isinstance(order, OrderSnapshot)
    assert (order.channel, order.order_id, order.version) == ("shop", "1001", 7)
    assert order.lines == (OrderLine("1", "MUG", "leeds", 2, 0), OrderLine("2", "CUP", "leeds", 0, 2))
    assert isinstance(later, OrderSnapshot)
    assert later.lines == (OrderLine("1", "MUG", "leeds", 0, 2),)
    assert isinstance(count, Count)
    assert (count.quantity, count.meaning) == (4, CountMeaning.ON_HAND)


def test_what_came_back_of_an_order_is_returned_and_not_cancelled() -> None:
    """Goal: as live: its totals would be the same, its events would not."""
    line = {"id": "1", "sku": "MUG", "location": "leeds", "ordered": 3, "fulfilled": 3, "returned": 1}
    snapshot = stated_of(
        read_fields({"kind": "order", "id": "1001", "at": AT, "source": "shop", "lines": [line]})
    )
    assert isinstance(snapshot, OrderSnapshot)
    assert snapshot.lines == (OrderLine("1", "MUG", "leeds", 0, 2, returned=1),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"kind": "receipt", "id": "r"}, "at is missing"),
        (_line(kind="receipts"), "kind: accepted:"),
        (_line(at="2026-11-01T08:00:00"), "at: accepted: a moment with its time zone"),
        (_line(quanttiy=3), "quanttiy: there is no such field"),
        (_line(quantity=0), "a movement of 0 units moves nothing"),
        (_line(sku=""), "a receipt needs sku and location"),
        (_line(kind="return"), "return is not stated as a movement"),
        (_line(kind="return", **{"from": "customer"}), "give both states, from and to"),
        (_line(kind="order"), "an order needs its lines"),
        (
            _line(
                kind="order",
                lines=[
                    {"id": "1", "sku": "A", "location": "leeds", "ordered": 1, "cancelled": 1, "fulfilled": 1}
                ],
            ),
            "line 1: of 1 ordered 1 are cancelled, 1 fulfilled",
        ),
    ],
)
def test_what_is_wrong_is_named(line: dict[str, Any], said: str) -> None:
    with pytest.raises(LineRefusedError, match=said):
        stated_of(read_fields(line))


def test_a_wrong_line_is_refused_by_its_row_and_the_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(f'{json.dumps(LINES[0])}\nnot json\n\n{{"kind": "receipt"}}\n{json.dumps(LINES[1])}\n')

    read = list(read_history(file))

    assert [(each.row, bool(each.refused)) for each in read] == [(1, False), (2, True), (4, True), (5, False)]
    assert read[2] == Read(4, refused="id is missing")


def test_known_totals_are_read_in_both_formats(tmp_path: Path) -> None:
    table, lines = tmp_path / "known.csv", tmp_path / "known.jsonl"
    table.write_text("sku,location,state,quantity\nMUG,leeds,on_hand,7\nMUG,,,5\n")
    lines.write_text(
        '{"sku": "MUG", "location": "leeds", "state": "on_hand", "quantity": 7}\n{"sku": "MUG", "quantity": 5}\n'
    )

    assert read_totals(table) == [Total("MUG", "leeds", "on_hand", 7), Total("MUG", "", "available", 5)]
    assert read_totals(lines) == read_totals(table)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sku,quantity\nMUG,1\nMUG,2\n", "known.csv:3: MUG is named twice for available"),
        ("sku,quantity\nMUG,x\n", "known.csv:2: sku and a whole number"),
        ("sku,state,quantity\nMUG,gone,1\n", "given the state 'gone'; accepted: available"),
        ("sku,amount\nMUG,1\n", "there is no column 'amount'"),
        ("sku,quantity\nMUG\n", "not as many cells as the header"),
        ("sku,quantity\n", "names no total"),
    ],
)
def test_totals_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "known.csv"
    file.write_text(text)
    with pytest.raises(FileUnfitError, match=said):
        read_totals(file)
