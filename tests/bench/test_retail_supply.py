"""The generated supply side: a fold by hand, and what has to hold of everything it generates."""

from collections import Counter

from bench.retail_supply import Came, Ordered, Stock, Went, fold_supply, supply
from onhand.domain.states import State


def test_the_fold_is_what_was_worked_out_by_hand() -> None:
    """Goal: ten of twelve came and the rest is given up; of another order four are still to come; the others moved."""
    acts = [
        Ordered("1", "s", (("A", 12), ("B", 5))),
        Came("1", 1, (("A", 4), ("B", 7)), last=False),
        Came("1", 2, (("A", 6),), last=True),
        Ordered("2", "s", (("A", 10),)),
        Came("2", 1, (("A", 6),), last=False),
        Went(1, "A", 5, State.AVAILABLE, State.IN_TRANSIT),
        Went(2, "A", 2, State.IN_TRANSIT, State.AVAILABLE),
        Went(3, "B", 4, State.CUSTOMER, State.QUALITY_CONTROL),
        Went(4, "B", 3, State.QUALITY_CONTROL, State.AVAILABLE),
        Went(5, "B", 1, State.QUALITY_CONTROL, State.DAMAGED),
    ]
    assert fold_supply(acts) == {
        "A": Stock(11, 4, 0, 0, 0, 2, 3),
        "B": Stock(10, 0, 0, 1, -4, 0, 0),
    }


def test_what_is_generated_is_the_same_each_time_and_in_order() -> None:
    """Goal: nothing comes before it is ordered, nor more on an order twice; all kinds of ends occur."""
    sold = {f"C{n}": 40 * n for n in range(1, 60)}
    acts = supply(sold, sold)
    assert acts == supply(sold, sold)
    assert [at for at, _ in acts] == sorted(at for at, _ in acts)
    assert 0 <= acts[0][0] < acts[-1][0] <= 1
    ordered: dict[str, dict[str, int]] = {}
    received: Counter[tuple[str, str]] = Counter()
    for _, act in acts:
        match act:
            case Ordered(order, _, lines):
                ordered[order] = dict(lines)
            case Came(order, _, lines, _):
                assert set(dict(lines)) <= set(ordered[order])
                received.update({(order, code): units for code, units in lines})
    off = [received[order, code] - units for order, lines in ordered.items() for code, units in lines.items()]
    assert any(each > 0 for each in off)
    assert any(each < 0 for each in off)
    assert any(stock.in_transit_there for stock in fold_supply(act for _, act in acts).values())
