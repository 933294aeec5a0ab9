"""Keeps secrets out of text: by the name of a field, by the shape of a value, by knowing the value itself.

Names and shapes catch what nobody announced; `register_secret` is the guarantee for what the program was
given. Masking errs on the side of masking.
"""

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus, unquote

MASK = "[redacted]"
SECRET_LENGTH_MIN = 6
"""Shorter values are not masked by value: they would be found inside innocent words and numbers."""

_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|authori[sz]ation|credential|cookie|api_?key|access_?key|private_?key|consumer_?key"
    r"|signature|hmac",
    re.IGNORECASE,
)
# These hold the name of an environment variable, which operators need to read.
_NAMES_A_VARIABLE = re.compile(r"_env$", re.IGNORECASE)

_SHAPES = (
    # user:password@ in any URL; the user stays, it says which account was meant
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s/:@'\"]*:)[^\s@'\"]+@", re.IGNORECASE), rf"\1{MASK}@"),
    (
        re.compile(
            r"([?&](?:[\w-]*(?:token|secret|password|signature|hmac|api_?key|consumer_?key)|key|sig|code)=)[^&\s'\"#]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(password\s*=\s*)('[^']*'|[^\s'\",;]+)", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    # tokens of Shopify, Slack and WooCommerce are known by their prefix
    (re.compile(r"\b(?:shp[a-z]{2}_|xox[a-z]-|xapp-|c[ks]_)[A-Za-z0-9-]{6,}"), MASK),
)

_PASSWORD_IN_URL = re.compile(r"://[^\s/:@]*:([^\s@]+)@")
_PASSWORD_IN_CONNINFO = re.compile(r"\bpassword\s*=\s*(?:'([^']*)'|(\S+))")


class _Known:
    """The registered values in every spelling they may have in a line."""

    def __init__(self) -> None:
        self.spellings: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, spellings: set[str]) -> None:
        self.spellings |= {s for s in spellings if len(s) >= SECRET_LENGTH_MIN}
        # Longest first: a secret that begins with another one must not leave its rest behind.
        longest_first = sorted(self.spellings, key=lambda s: (-len(s), s))
        self.pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


_known = _Known()


def register_secret(value: str) -> None:
    """From now on this value is masked wherever it appears; a connection string's password is too."""
    parts = {value}
    for found in (_PASSWORD_IN_URL.search(value), _PASSWORD_IN_CONNINFO.search(value)):
        parts |= {group for group in found.groups() if group} if found else set()
    _known.add({spelling for part in parts for spelling in _spellings(part)})


def _spellings(value: str) -> set[str]:
    plain = {value, value.strip(), unquote(value)}
    encoded = {form for v in plain for form in (quote(v), quote(v, safe=""), quote_plus(v))}
    escaped = {form for v in plain for form in (json.dumps(v)[1:-1], json.dumps(v, ensure_ascii=False)[1:-1])}
    shown = {repr(v)[1:-1] for v in plain}
    # Whole base64 only: the header of basic authentication hides a pair, which its shape catches.
    return plain | encoded | escaped | shown | {base64.b64encode(value.encode()).decode()}


def mask_known(text: str) -> str:
    """The text without any registered value."""
    return text if _known.pattern is None else _known.pattern.sub(MASK, text)


def mask_text(text: str) -> str:
    """The text without registered values, and without what looks like a password, token or credential."""
    text = mask_known(text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def is_secret_name(name: str) -> bool:
    """Whether a field of this name is masked whatever it holds."""
    return _SECRET_NAME.search(name) is not None and _NAMES_A_VARIABLE.search(name) is None


def mask_value(value: object) -> object:
    """The same value with every text in it masked; mappings and sequences are masked inside."""
    match value:
        case str():
            return mask_text(value)
        case bytes():
            return mask_text(value.decode(errors="replace"))
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {key: mask_field(str(key), found) for key, found in value.items()}
        case list() | tuple() | set() | frozenset():
            return [mask_value(item) for item in value]
        case _:
            # An object is rendered by its text, so that is what has to be clean.
            return mask_text(str(value))


def mask_field(name: str, value: object) -> object:
    """The value of a named field, masked whole where the name says that it is secret."""
    if is_secret_name(name) and value not in (None, "", False, True):
        return MASK
    return mask_value(value)
