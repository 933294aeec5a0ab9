"""The documentation says what is so: commands exist, links lead somewhere, examples give what they say they give.

Method: pages are read as text; the command line is asked for its own tree; examples are run.
"""

import doctest
import importlib.util
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from onhand.ledger.database import Pool

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "cli.md"
GUIDES = [
    p for p in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")), ROOT / "deploy/README.md") if p != REFERENCE
]
"""Pages whose commands are to be typed as they stand."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"`(onhand [^`]+)`")


def tracked(pattern: str) -> list[Path]:
    """Files of that name under version control, or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", pattern],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).exists()]


def make_cli() -> ModuleType:
    """The script that writes docs/cli.md."""
    spec = importlib.util.spec_from_file_location("make_cli", DOCS / "make_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE_CLI = make_cli()
COMMANDS: dict[tuple[str, ...], Any] = dict(MAKE_CLI.commands(MAKE_CLI.program()))


# The reference of the command line.


def test_the_reference_of_the_command_line_is_current() -> None:
    """Goal: no option is added, changed or dropped without its page. To mend: python docs/make_cli.py"""
    assert REFERENCE.read_text(encoding="utf-8") == MAKE_CLI.page(), "run: python docs/make_cli.py"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_described(path: tuple[str, ...]) -> None:
    """Goal: the generator leaves nothing out; sections are looked up by heading, options by name."""
    heading = f"## {' '.join(['onhand', *path])}\n"
    section = REFERENCE.read_text(encoding="utf-8").split(heading)[1].split("\n## ")[0]
    command = COMMANDS[path]
    assert command.help
    assert command.help in section
    for parameter in command.params:
        assert parameter.help, f"{path}: {parameter.name} has no help"
        for name in parameter.opts if parameter.opts[0].startswith("-") else [parameter.metavar]:
            assert f"`{name}" in section


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_shows_every_word(path: tuple[str, ...]) -> None:
    """Goal: rich takes a word in brackets for markup and swallows it, so no help holds any."""
    command = COMMANDS[path]
    for text in (command.help or "", *(parameter.help or "" for parameter in command.params)):
        assert "[" not in text


# Commands shown in the guides.


def shown_commands(page: Path) -> Iterator[tuple[str, bool]]:
    """Every `onhand ...` line of a page, and whether it stands alone, to be typed whole."""
    text = page.read_text(encoding="utf-8")
    for block in FENCE.finditer(text):
        yield from ((line[2:], True) for line in block[2].splitlines() if line.startswith("$ onhand "))
    prose = FENCE.sub("", text)
    for line in prose.splitlines():
        if line.startswith("    onhand "):
            yield line.strip(), True
        yield from ((found, False) for found in INLINE.findall(line))


def words_of(line: str) -> list[str]:
    """The words a shell would pass, without comment, pipe or dots that stand for any command."""
    words = shlex.split(line.replace("...", ""), comments=True)[1:]
    return words[: words.index("|")] if "|" in words else words


def faults_of(words: list[str], *, whole: bool) -> str:
    """Why the program would not take these words; "" where it would."""
    path: tuple[str, ...] = ()
    arguments: list[str] = []
    at = 0
    while at < len(words):
        word, command = words[at], COMMANDS[path]
        at += 1
        below = getattr(command, "commands", None)
        if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word):
            name = word.split("=")[0]
            option = next((p for p in command.params if name in p.opts), None)
            if option is None and name not in ("--help", "-h"):
                return f"{' '.join(path) or 'onhand'} has no option {name}"
            at += 0 if option is None or option.is_flag or "=" in word else 1
        elif below is None:
            arguments.append(word)
        elif word in below:
            path = (*path, word)
        elif not set(word.split("|")) <= set(below):
            return f"there is no command {word} in onhand {' '.join(path)}"
    return _arguments_fault(COMMANDS[path], arguments, whole=whole)


def _arguments_fault(command: Any, arguments: list[str], *, whole: bool) -> str:
    taken = [p for p in command.params if not p.opts[0].startswith("-")]
    if len(arguments) > len(taken) and not any(p.nargs == -1 for p in taken):
        return f"{arguments} are more than {[p.metavar for p in taken]}"
    if whole and getattr(command, "commands", None) and command.params and not arguments:
        alone = command.name == "onhand" or command.invoke_without_command
        return "" if alone else "a group alone does nothing"
    missing = [p.metavar for p in taken[len(arguments) :] if p.required]
    return f"{missing} not given" if whole and missing else ""


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_shown_exists(page: Path) -> None:
    """Goal: what a reader types is taken."""
    faults = {line: faults_of(words_of(line), whole=whole) for line, whole in shown_commands(page)}
    assert {line: fault for line, fault in faults.items() if fault} == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("onhand sync --dryrun", "sync has no option --dryrun"),
        ("onhand stocks show A", "there is no command stocks in onhand "),
        ("onhand stock adjust A", "['QUANTITY'] not given"),
        ("onhand explain A B", "['A', 'B'] are more than ['SKU']"),
        ("onhand stock adjust A -5 --location leeds # fewer", ""),
        ("onhand --debug runs show", ""),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, fault: str) -> None:
    """Goal: the negative control of the test above."""
    assert faults_of(words_of(line), whole=True) == fault


STOCK_CODE = re.compile(r"\b\d{5}[A-Z]{0,2}\b")


def strangers_of(words: list[str]) -> set[str]:
    """Names among these words that the demo does not know: its SKUs and its channels."""
    skus = {line.split(",")[0] for line in (ROOT / "demo" / "catalogue.csv").read_text().splitlines()}
    channels = set(tomllib.loads((ROOT / "onhand.example.toml").read_text())["channels"])
    named = {code for word in words for code in STOCK_CODE.findall(word)} - skus
    for option, given in pairwise(words):
        if option == "--channel" and not given.isupper():
            named |= {given} - channels
        elif option == "--share":
            named |= {given.partition("=")[0]} - channels
    return named


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_can_be_pasted_into_the_demo(page: Path) -> None:
    """Goal: a reader who tries a page as it stands is not told that there is no such SKU or channel."""
    strangers = {line: strangers_of(words_of(line)) for line, _ in shown_commands(page)}
    assert {line: found for line, found in strangers.items() if found} == {}


@pytest.mark.parametrize(
    ("line", "strangers"),
    [
        ("onhand explain 85123A", {"85123A"}),
        ("onhand transfers send 22423=12 85123A=6 --from leeds --to london", {"85123A"}),
        ("onhand campaign start 22423 --share shop=60", {"shop"}),
        ("onhand halts lift SKU --channel NAME", set()),
        ("onhand stock receive 22423 12 --location leeds", set()),
    ],
)
def test_what_the_demo_does_not_know_is_found(line: str, strangers: set[str]) -> None:
    """Goal: the negative control of the test above."""
    assert strangers_of(words_of(line)) == strangers


def test_the_guides_show_commands() -> None:
    """Goal: the patterns above still find what they are for."""
    assert sum(whole for page in GUIDES for _, whole in shown_commands(page)) >= 20


# Links.


def anchors_of(page: Path) -> set[str]:
    """What a link to a heading of the page may name, in the way GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Goal: files and headings that pages point at exist; addresses elsewhere are not asked."""
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        aim = (page.parent / name).resolve() if name else page
        if not aim.exists() or (anchor and anchor not in anchors_of(aim)):
            broken.append(target)
    assert broken == []


# Examples.


def test_the_examples_of_allocation_are_what_the_code_says() -> None:
    """Goal: the numbers of docs/allocation.md are the code's own."""
    failed, tried = doctest.testfile(str(DOCS / "allocation.md"), module_relative=False, encoding="utf-8")
    assert (failed, tried) == (0, 20)


def statements() -> list[str]:
    """The SQL of docs/ledger.md that a reader may run."""
    text = (DOCS / "ledger.md").read_text(encoding="utf-8")
    return [block[2] for block in FENCE.finditer(text) if block[1] == "sql"]


async def test_the_statements_of_the_ledger_page_run(shop: Pool) -> None:
    """Goal: each works on the schema of today, as the program's own role; each proof answers 0."""
    assert len(statements()) == 6
    for statement in statements():
        async with shop.connection() as connection:
            rows = await (await connection.execute(statement)).fetchall()
        if "proof:" in statement:
            assert rows == [(0,)]


def test_every_decision_is_listed() -> None:
    """Goal: a record that is not in the list is never read."""
    listed = LINK.findall((DOCS / "decisions" / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
