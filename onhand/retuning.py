"""What people are told once in a quarter: which rules would fit what was sold, why, and what they would change."""

from collections.abc import Sequence

from onhand.alerts.blocks import Block, clip, code, context, fitting, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.domain.retuning import Suggestion
from onhand.rule_check import Replayed
from onhand.rule_suggestion import Retuned, suggest
from onhand.simulation.replaying import ChannelTally
from onhand.wording import count

LINES_SHOWN = 20

__all__ = ["message", "suggest", "tell"]


async def tell(slack: Slack, where: str, found: Retuned, span: str) -> Delivery:
    """Post it to the Slack channel `where`."""
    return await slack.post(message(where, found, span))


def message(where: str, found: Retuned, span: str) -> Message:
    """Settings that should be others, and the days of `span` ("13w") under both; or that nothing should."""
    headline = _headline(found.suggestions)
    sold = ", ".join(f"{channel} {units:,}" for channel, units in found.sold.items())
    first: list[Block] = [header(f":straight_ruler: {headline}"), section(clip(f"Units sold: {sold}", 1_000))]
    last = context(f"Nothing was changed. All of it: {code(f'onhand rules suggest --against {span}')}")
    if found.replayed is None:
        return Message(where, headline, [*first, last])
    lines = [_line(each) for each in found.suggestions]
    first.append(listed("*Would fit better*", lines[:LINES_SHOWN], max(0, len(lines) - LINES_SHOWN)))
    return Message(where, headline, fitting(first, _days(found.replayed), [last]))


def _headline(found: Sequence[Suggestion]) -> str:
    if not found:
        return "The rules fit what was sold in the last quarter"
    settings = "setting does not fit" if len(found) == 1 else "settings do not fit"
    return f"{len(found):,} {settings} what was sold in the last quarter"


def _line(each: Suggestion) -> str:
    setting = code(f"[channels.{each.channel}.rule] {each.line}")
    return f"• {setting} instead of {clip(each.before, 20)}: {clip(each.reason, 300)}"


def _days(replayed: Replayed) -> list[Block]:
    """Channels that would have sold, refused or oversold otherwise."""
    return [
        section(f"*{clip(channel, 100)}* would have {_outcome(after)}, instead of {_outcome(before)}")
        for channel, after in replayed.proposed.items()
        if _outcome(after) != _outcome(before := replayed.present.get(channel, ChannelTally()))
    ]


def _outcome(tally: ChannelTally) -> str:
    return f"sold {count(tally.sold, 'unit')}, refused {tally.refused:,}, oversold {tally.oversold:,}"
