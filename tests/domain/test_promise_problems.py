"""Promises ahead, judged: late ones and programmes that may go short are for a person to look at."""

from datetime import date

from onhand.domain.health import Health, Problem, PromisedAhead
from onhand.domain.promise_problems import of_promises

DAY = date(2026, 12, 20)


def test_nothing_wrong_is_no_problem() -> None:
    """Goal: what was never promised, or is kept, is not told of."""
    assert list(of_promises(PromisedAhead())) == []


def test_one_of_each_is_told_by_its_name() -> None:
    """Goal: what is wrong, and the command that shows it; names are quoted for a shell."""
    found = PromisedAhead(1, 1, "A b", DAY, 1, "acme-spring")
    assert list(of_promises(found)) == [
        Problem(
            Health.ATTENTION,
            "pre-orders",
            "1 promise of A b should have been kept by 2026-12-20",
            None,
            "onhand preorders show 'A b'",
        ),
        Problem(
            Health.ATTENTION,
            "programmes",
            "acme-spring may go short of what was promised",
            None,
            "onhand programmes show acme-spring",
        ),
    ]


def test_several_are_one_line_each() -> None:
    """Goal: an example and how many more."""
    found = PromisedAhead(5, 3, "A", DAY, 2, "acme-spring")
    assert [problem.sentence for problem in of_promises(found)] == [
        "5 promises of A and 2 more SKUs should have been kept by 2026-12-20",
        "acme-spring and 1 more programme may go short of what was promised",
    ]
