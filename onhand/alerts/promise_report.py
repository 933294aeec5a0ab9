"""What people are told of promises ahead: programmes that may go short, and pre-orders that are late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from onhand.alerts.blocks import clip, code, context, header, listed
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger.preorders import Late

LINES_SHOWN = 15


@dataclass(frozen=True, slots=True)
class LineTold:
    """A line of a programme: units that may be missing by its end, and units its partner has ordered beyond it."""

    programme: str
    partner: str
    sku: str
    location: str
    short: int
    beyond: int
    last_day: date


async def tell_programmes(slack: Slack, where: str, lines: Sequence[LineTold]) -> Delivery:
    """Warn people in the Slack channel `where` while something can still be done."""
    names = sorted({line.programme for line in lines})
    of = names[0] if len(names) == 1 else f"{len(names)} programmes"
    short = sum(line.short for line in lines)
    said = f"{of}: {_units(short)} may be missing" if short else f"{of}: more is ordered than was promised"
    shown = [_line(line) for line in lines[:LINES_SHOWN]]
    blocks = [
        header(f":warning: {said}"),
        listed("*By the end of each programme*", shown, max(0, len(lines) - LINES_SHOWN)),
        context(f"More: {code(f'onhand programmes show {names[0]}')}"),
    ]
    return await slack.post(Message(where, said, blocks))


def _line(line: LineTold) -> str:
    said = [f"{_units(line.short)} short of what is reserved, ordered and due"] if line.short else []
    said += [f"{_units(line.beyond)} ordered beyond what was promised"] if line.beyond else []
    where = f"{code(line.sku)} at {clip(line.location, 100)} for {clip(line.partner, 100)}"
    return f"• {where}: {', '.join(said)} (until {line.last_day})"


async def tell_late(slack: Slack, where: str, late: Sequence[Late]) -> Delivery:
    """Tell people of order lines that wait for units longer than was promised."""
    skus = sorted({each.sku for each in late})
    of = skus[0] if len(skus) == 1 else f"{len(skus)} SKUs"
    orders = "1 pre-order is" if len(late) == 1 else f"{len(late):,} pre-orders are"
    said = f"{orders} late: {of}"
    lines = [
        f"• {code(each.sku)}: {clip(each.channel, 100)} order {code(each.order_id)}, {_units(each.units)} promised for "
        f"{each.promised_for}"
        for each in late[:LINES_SHOWN]
    ]
    blocks = [
        header(f":hourglass: {said}"),
        listed("*Promised, and not there*", lines, max(0, len(late) - LINES_SHOWN)),
        context(f"More: {code(f'onhand preorders show {skus[0]}')}"),
    ]
    return await slack.post(Message(where, said, blocks))


def _units(number: int) -> str:
    return "1 unit" if number == 1 else f"{number:,} units"
