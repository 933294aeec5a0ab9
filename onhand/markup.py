"""HTML that cannot be broken by what is in it: tags are functions, and every text in them is escaped."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"

_VOID = frozenset({"meta", "input", "link", "br"})


def tag(name: str, /, *content: Content, **attributes: str | None) -> Markup:
    """An element. A trailing _ of an attribute's name is dropped (`class_`), None leaves the attribute out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(render(part) for part in content)
    return Markup(f"<{name}{given}>" if name in _VOID else f"<{name}{given}>{inner}</{name}>")


def render(content: Content) -> str:
    """Content as HTML: text is escaped, numbers get thousands separators, None is nothing."""
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return escape(content)
    if isinstance(content, int):
        return f"{content:,}"
    return "".join(render(part) for part in content)
