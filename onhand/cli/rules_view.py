"""How `onhand rules` shows what it found."""

from collections.abc import Mapping, Sequence

from rich.markup import escape

from onhand.cli.output import grid, out
from onhand.rule_check import LevelPreview, Replayed
from onhand.rule_suggestion import Retuned
from onhand.simulation.replaying import ChannelTally
from onhand.wording import count, duration

NUMBERS = ("sold", "refused", "oversold", "left")


def print_check(
    replayed: Replayed,
    changes: Mapping[str, int],
    levels: Sequence[LevelPreview],
    warnings: Sequence[str],
    span: str,
) -> None:
    """The past days under both rules, what would change now, and what speaks against it."""
    console = out()
    _print_days(replayed, span)
    _print_levels(changes, levels)
    for warning in warnings:
        console.print(f"[yellow]{escape(warning)}[/]", soft_wrap=True)
    console.print("[bold]nothing was written, and no channel was asked[/]")


def print_suggestions(found: Retuned, span: str) -> None:
    """What should be another and why, as lines for the configuration, and the past days under both."""
    console = out()
    if found.replayed is None:
        console.print(f"the rules fit what was sold in the last {span}")
        return
    table = grid("channel", "setting", "is", "should be", "because", right=("is", "should be"))
    for each in found.suggestions:
        table.add_row(escape(each.channel), each.key, each.before, each.after, escape(each.reason))
    console.print(table)
    console.print()
    _print_days(found.replayed, span)
    for each in found.suggestions:
        line = f"[channels.{each.channel}.rule]  {each.line}"
        console.print(escape(line), soft_wrap=True)
    console.print(
        "[bold]nothing was written[/]; put these lines into a copy, and try it: onhand rules check COPY"
    )
    console.print(escape("a channel's own rule replaces [rule] as a whole"))


def _print_days(replayed: Replayed, span: str) -> None:
    console = out()
    console.print(f"demand of the last {span}: {count(replayed.skus, 'SKU')} that were sold, in units")
    table = grid("channel", "rules", *NUMBERS, "shown after", right=(*NUMBERS, "shown after"))
    for channel in dict.fromkeys([*replayed.present, *replayed.proposed]):
        later = duration(replayed.delays[channel])
        for name, tallies in (("present", replayed.present), ("proposed", replayed.proposed)):
            tally = tallies.get(channel)
            first = name == "present"
            numbers = _numbers(tally) if tally is not None else ("", "", "", "")
            table.add_row(escape(channel) if first else "", name, *numbers, later if first else "")
    console.print(table)
    console.print()


def _numbers(tally: ChannelTally) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in (tally.sold, tally.refused, tally.oversold, tally.left))


def _print_levels(changes: Mapping[str, int], levels: Sequence[LevelPreview]) -> None:
    if levels:
        table = grid("channel", "sku", "item", "place", "from", "to", right=("from", "to"))
        for level in levels:
            table.add_row(
                escape(level.channel), escape(level.sku), escape(level.item_id), escape(level.place),
                _level(level.before), _level(level.after),
            )  # fmt: skip
        out().print(table)
        out().print()
    for channel, number in changes.items():
        out().print(f"{escape(channel)}: {count(number, 'level')} would change now")
    left_out = sum(changes.values()) - len(levels)
    if left_out:
        out().print(f"{left_out:,} of them are not listed; more with --show")


def _level(quantity: int | None) -> str:
    return "" if quantity is None else f"{quantity:,}"
