"""Writes docs/cli.md from the program itself: `python docs/make_cli.py`. A test fails while the file is behind."""

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import typer  # noqa: E402

import starter  # noqa: E402
from onhand.cli.app import EPILOGUE  # noqa: E402

PAGE = ROOT / "docs" / "cli.md"

HEAD = """# Command line

<!-- Made by docs/make_cli.py from the program's own help. Do not edit: change the help, then run it again. -->

`onhand` is in `.venv/bin`; `python starter.py` is the same. Every command has `--help`.

"""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below this one with its path, itself first, in the order of --help."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


def program() -> Any:
    """The whole command line as one tree."""
    return typer.main.get_command(starter.build())


def page() -> str:
    """The text of docs/cli.md."""
    sections = [_section(path, command) for path, command in commands(program())]
    return HEAD + "\n".join(sections)


def _section(path: tuple[str, ...], command: Any) -> str:
    arguments = [p for p in command.params if not _is_option(p)]
    options = [p for p in command.params if _is_option(p) and not p.hidden]
    groups = getattr(command, "commands", {})
    usage = ["onhand", *path, *(_shown_argument(p) for p in arguments)]
    usage += ["[OPTIONS]"] if options else []
    usage += ["COMMAND ..."] if groups else []
    lines = [f"## {' '.join(['onhand', *path])}", "", command.help or "", "", f"    {' '.join(usage)}", ""]
    rows = [(f"`{p.metavar or p.name.upper()}`", _meaning(p)) for p in arguments]
    rows += [(_shown_option(p), _meaning(p)) for p in options]
    if rows:
        lines += ["| | |", "| --- | --- |", *(f"| {name} | {meaning} |" for name, meaning in rows), ""]
    if groups:
        lines += [f"- [`{' '.join([*path, name])}`](#{_anchor([*path, name])})" for name in groups] + [""]
    if not path:
        lines += [EPILOGUE, ""]
    return "\n".join(lines)


def _anchor(path: list[str]) -> str:
    return "-".join(["onhand", *path])


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _shown_argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _shown_option(parameter: Any) -> str:
    value = (
        "" if parameter.is_flag else f" {parameter.metavar or _kind(parameter.type_descriptor.annotation)}"
    )
    return ", ".join(f"`{option}{value}`" for option in parameter.opts)


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(str(member.value) for member in annotation)
    names = {int: "N", str: "TEXT", Path: "FILE"}
    return names.get(annotation, "TEXT" if get_origin(annotation) is list else annotation.__name__.upper())


def _meaning(parameter: Any) -> str:
    parts = [parameter.help or ""]
    if _is_option(parameter) and not parameter.is_flag and parameter.default not in (None, ""):
        parts.append(f"Default: `{parameter.default}`.")
    if _is_option(parameter) and parameter.envvar:
        parts.append(f"Environment: `{parameter.envvar}`.")
    return " ".join(parts).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
