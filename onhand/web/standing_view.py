"""The judgement as the top of the overview: one sentence when all is well, and each problem with its command."""

from onhand.domain.health import Health, Problem, Verdict
from onhand.web.html import Content, Markup, ago, tag

_COLOURS = {Health.OK: "good", Health.ATTENTION: "warn", Health.BROKEN: "bad"}


def standing(verdict: Verdict) -> Markup:
    """The judgement, for people."""
    return tag(
        "section",
        tag("h1", tag("span", _sentence(verdict), class_=_COLOURS[verdict.health])),
        tag("ul", [_problem(problem) for problem in verdict.problems], class_="problems")
        if verdict.problems
        else None,
        _low_stock(verdict),
    )


def _low_stock(verdict: Verdict) -> Content:
    said = "" if verdict.facts.ledger is None else verdict.facts.ledger.low_stock.sentence
    return tag("p", f"{said} ", tag("code", "onhand stock low"), class_="soft") if said else None


def _sentence(verdict: Verdict) -> str:
    broken = sum(problem.severity is Health.BROKEN for problem in verdict.problems)
    others = len(verdict.problems) - broken
    if broken:
        return f"{broken} broken" + (f", {others} to look at" if others else "")
    return f"It works; {others} to look at" if others else "All is well"


def _problem(problem: Problem) -> Markup:
    since: Content = [" ", tag("span", ago(problem.since), class_="soft")] if problem.since else None
    return tag(
        "li",
        tag("strong", problem.subject, class_=_COLOURS[problem.severity]),
        f" {problem.sentence}",
        since,
        tag("code", problem.command),
    )
