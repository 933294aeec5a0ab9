"""The page on which a person makes a sandbox shop fail with one click, and sees what is wrong with it."""

from html import escape
from typing import Any

from onhand.sandbox.page_words import ago
from onhand.sandbox.presets import PRESETS
from onhand.sandbox.shop import Shop
from onhand.sandbox.trouble import Trouble

PARAMETERS_HIDDEN = ("kind", "seed", "seconds", "since", "seconds_left", "seen", "struck")
"""What a fault's line says otherwise, or not at all."""

ENDED_SHOWN = 5


def press(trouble: Trouble, what: str) -> None:
    """A button was pressed: a preset is switched on, or `well` ends all. Raises ValueError where it is neither."""
    if what == "well":
        trouble.switch_off()
        return
    if what not in PRESETS:
        raise ValueError(f"there is no button {what!r}")
    for fault in PRESETS[what].faults:
        trouble.switch_on(fault)


def fault_cards(shops: dict[str, Shop], troubles: dict[str, Trouble]) -> str:
    """What is wrong with each shop; the part of the page that is fetched again."""
    cards = [
        f'<div class="card"><h2>{escape(shops[name].name)}</h2>{fault_table(trouble)}{_ended(trouble)}</div>'
        for name, trouble in troubles.items()
    ]
    return "".join(cards)


def fault_buttons(shops: dict[str, Shop]) -> str:
    """Everything that can be pressed, by shop."""
    return "".join(f"<h2>{escape(shop.name)}</h2><p>{_buttons(name)}</p>" for name, shop in shops.items())


def fault_table(trouble: Trouble) -> str:
    """What is on now, since when, and how often it struck."""
    rows = "".join(_row(raging.fault.title, raging.told(None)) for raging in trouble.faults.on())
    return f"<table><tbody>{rows}</tbody></table>" if rows else "<p>Nothing is wrong.</p>"


def _row(title: str, told: dict[str, Any]) -> str:
    detail = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in told.items()
        if name not in PARAMETERS_HIDDEN and value not in (None, False)
    )
    until = f"for {told['seconds']:g} s" if told["seconds"] else "until it ends"
    return (
        f'<tr><td class="below">{escape(title)} <span class="soft">{escape(detail)}</span></td>'
        f"<td>since {ago(told['since'])}, {until}</td>"
        f'<td class="number">struck {told["struck"]:,} of {told["seen"]:,}</td></tr>'
    )


def _ended(trouble: Trouble) -> str:
    ended = trouble.told()["ended"][:ENDED_SHOWN]
    said = "; ".join(f"{each['kind']} struck {each['struck']:,} of {each['seen']:,}" for each in ended)
    return f'<p class="soft">Over: {escape(said)}</p>' if said else ""


def _buttons(name: str) -> str:
    all_of_them = {**{what: preset.label for what, preset in PRESETS.items()}, "well": "All is well again"}
    return "".join(
        f'<form class="act" method="post" action="/faults/{name}/{what}"><button>{escape(label)}</button></form> '
        for what, label in all_of_them.items()
    )
