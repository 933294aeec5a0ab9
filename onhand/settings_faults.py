"""A wrong configuration in words: for each setting its key, what was given, and what is accepted."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from onhand.redaction import is_secret_name, mask_text

Schema = Mapping[str, Any]
Raw = Mapping[str, Any]

# What a pattern means; people do not read regular expressions.
_PATTERNS = {
    r"^[a-z0-9][a-z0-9_-]{0,62}$": (
        "a name of at most 63 lower-case letters, digits, - and _, beginning with a letter or digit"
    ),
    r"^[A-Z][A-Z0-9_]*$": "the name of an environment variable in capitals, for example ONHAND_SHOPIFY_TOKEN",
    r"^https?://": "an address beginning with http:// or https://",
    r"^https?://.*/$": "an address beginning with http:// or https:// and ending with /",
    r"^\d{4}-\d{2}$": "a version such as 2026-10",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of day such as 07:00",
}


def faults(error: ValidationError, raw: Raw, model: type[BaseModel]) -> list[str]:
    """One line for each wrong setting; `raw` is what the file holds, `model` what it should be."""
    schema = model.model_json_schema()
    # A check of the whole file writes a line for each thing it found.
    return [
        line for fault in error.errors(include_url=False) for line in _line(fault, raw, schema).splitlines()
    ]


def _line(fault: ErrorDetails, raw: Raw, schema: Schema) -> str:
    where = _key(fault["loc"], raw)
    key = ".".join(where)
    match fault["type"]:
        case "extra_forbidden":
            known = _known_keys(fault["loc"], schema)
            return f"{key}: there is no such setting{_suggestion(where[-1], known)}"
        case "missing":
            return f"{key}: is missing, and has to be given"
        case "union_tag_not_found":
            name = fault["ctx"]["discriminator"].strip("'")
            return f"{key}.{name}: is missing; accepted: {_tags(fault['loc'], schema)}"
        case "union_tag_invalid":
            name = fault["ctx"]["discriminator"].strip("'")
            return f"{key}.{name}: given {_shown(fault['ctx']['tag'], name)}; accepted: {fault['ctx']['expected_tags']}"
        case "value_error":
            said = fault["msg"].removeprefix("Value error, ")
            return f"{key}: {said}" if key else said
        case _:
            return f"{key}: given {_shown(fault['input'], where[-1])}; accepted: {_accepted(fault)}"


def _accepted(fault: ErrorDetails) -> str:
    match fault["type"], fault.get("ctx", {}):
        case "string_pattern_mismatch", {"pattern": pattern}:
            return _PATTERNS.get(pattern, f"text matching {pattern}")
        case (("literal_error" | "enum"), {"expected": expected}):
            return str(expected)
        case "too_short", {"min_length": least}:
            return f"at least {least}"
        case _:
            return fault["msg"].removeprefix("Input should be ").removeprefix("String should have ")


def _key(loc: Sequence[int | str], raw: Any) -> list[str]:
    """The key as the file has it: pydantic also names the kind of a section, which stands nowhere."""
    key: list[str] = []
    for part in loc:
        if part == "[key]":
            continue
        if isinstance(raw, Mapping) and part not in raw and part in (raw.get("platform"), raw.get("kind")):
            continue
        if isinstance(part, int):
            key[-1] += f"[{part}]"
        else:
            key.append(str(part))
        raw = _inside(raw, part)
    return key


def _inside(raw: Any, part: int | str) -> Any:
    if isinstance(raw, Mapping):
        return raw.get(part)
    return raw[part] if isinstance(raw, list) and isinstance(part, int) else None


def _shown(value: object, name: str) -> str:
    """What was given, unless it may be a secret that was put where its variable's name belongs."""
    if is_secret_name(name) or name.endswith("_env"):
        return "something else (not shown, in case it is a secret)"
    text = mask_text(repr(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _suggestion(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; accepted here: {', '.join(known)}"


def _known_keys(loc: Sequence[int | str], schema: Schema) -> list[str]:
    return sorted(_section(loc[:-1], schema).get("properties", ()))


def _tags(loc: Sequence[int | str], schema: Schema) -> str:
    mapping = _section(loc, schema)["discriminator"]["mapping"]
    return ", ".join(repr(tag) for tag in mapping)


def _section(loc: Sequence[int | str], schema: Schema) -> Schema:
    """The part of the schema that a location in the configuration leads to."""
    node = schema
    for part in loc:
        node = _plain(_step(node, part), schema)
    return node


def _step(node: Schema, part: int | str) -> Schema:
    if isinstance(part, int):
        found: Schema = node["items"]
    elif part in node.get("properties", {}):
        found = node["properties"][part]
    elif "discriminator" in node:
        found = {"$ref": node["discriminator"]["mapping"][part]}
    else:
        # A table whose keys are names: its values are described once, under each pattern a name may have.
        found = next(_values(node))
    return found


def _values(node: Schema) -> Iterator[Schema]:
    yield from node.get("patternProperties", {}).values()
    if isinstance(node.get("additionalProperties"), Mapping):
        yield node["additionalProperties"]


def _plain(node: Schema, schema: Schema) -> Schema:
    # A section that may be left out is described beside "null".
    node = next((each for each in node.get("anyOf", ()) if "$ref" in each), node)
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node
