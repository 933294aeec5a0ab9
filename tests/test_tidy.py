"""Style that a failing test settles: read from the source, for every file under version control."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import starter
from tests.test_docs import tracked
from tests.test_rooms import imported

ROOT = Path(__file__).parent.parent

FUNCTION_LINES_MAX = 70
FILE_BYTES_MAX = 1024 * 1024
PROGRAMS = {"starter", "worker", "onhand.web.__main__", "onhand.sandbox.__main__"}
"""What is started by name; `starter` loads its commands by name, too."""

LEFT_UNDONE = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
REGISTRIES = re.compile(
    "|".join(
        re.escape(name + "." + end)
        for name, end in (
            ("py" + "pi", "org"),
            ("python" + "hosted", "org"),
            ("npm" + "js", "org"),
            ("proxy.go" + "lang", "org"),
            ("cra" + "tes", "io"),
            ("doc" + "ker", "io"),
            ("gh" + "cr", "io"),
            ("qu" + "ay", "io"),
        )
    )
    + "|--(extra-)?index"
    + "-url|--find"
    + "-links"
)

PYTHON = tracked("*.py")
SOURCE = [path for path in PYTHON if not path.is_relative_to(ROOT / "tests")]


def name_of(path: Path) -> str:
    """A file's name as people say it."""
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    """What a file holds, with whatever is no text replaced."""
    return path.read_text(encoding="utf-8", errors="replace")


@cache
def tree_of(path: Path) -> ast.Module:
    """A module as it was parsed, once for all tests."""
    return ast.parse(text_of(path))


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_functions_fit_on_a_screen() -> None:
    """Goal: what a function does is seen without scrolling."""
    long = {
        f"{name_of(path)}: {function.name}": lines
        for path in PYTHON
        for function in functions_of(path)
        if (lines := lines_of(function)) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    """Goal: the first line of a file tells whether one has to read on. Empty files need no words."""
    silent = [name_of(p) for p in PYTHON if text_of(p).strip() and not ast.get_docstring(tree_of(p))]
    assert silent == []


def public_parts(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Public classes and functions, and the public methods of public classes."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
            yield f"{within}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public_parts(node.body, f"{node.name}.")


def test_what_is_public_is_described() -> None:
    """Goal: a caller need not read the body. A method that a base in the same module describes keeps its words."""
    silent = []
    for path in SOURCE:
        tree = tree_of(path)
        told = {function.name for function in functions_of(path) if ast.get_docstring(function)}
        for name, node in public_parts(tree.body):
            inherits = "." in name and name.split(".")[1] in told
            if not ast.get_docstring(node) and not inherits:
                silent.append(f"{name_of(path)}: {name}")
    assert silent == []


@pytest.mark.parametrize("pattern", [LEFT_UNDONE, REGISTRIES], ids=["left undone", "registries"])
def test_no_file_holds(pattern: re.Pattern[str]) -> None:
    """Goal: nothing is left for later in the source, and nothing is tied to where packages are fetched from.

    `make lock` tells its tool to write no address, and may name that option.
    """
    allowed = "--no-emit-index" + "-url"
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in tracked("*")
        if path.is_file()
        for number, line in enumerate(text_of(path).replace(allowed, "").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    """Goal: the negative control of the test above."""
    assert LEFT_UNDONE.search("# TO" + "DO: later")
    assert REGISTRIES.search("https://py" + "pi.org/simple")
    assert REGISTRIES.search("pip install --index" + "-url x")


def test_no_file_is_large() -> None:
    """Goal: a clone stays quick; data is made by scripts or kept elsewhere."""
    large = {
        name_of(path): path.stat().st_size for path in tracked("*") if path.stat().st_size > FILE_BYTES_MAX
    }
    assert large == {}


def module_of(path: Path) -> str:
    """The name by which a file is imported."""
    return name_of(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def test_no_module_is_dead() -> None:
    """Goal: every module is reached from a program; what only tests use is not part of the product."""
    rooms = ("onhand", "activities", "workflows", "starter.py", "worker.py")
    modules = {module_of(path): path for path in SOURCE if name_of(path).split("/")[0] in rooms}
    reached: set[str] = set()
    ahead = [*PROGRAMS, *(f"onhand.cli.{name}" for name in starter.COMMANDS.values())]
    while ahead:
        module = ahead.pop()
        if module in reached or module not in modules:
            continue
        reached.add(module)
        ahead += imported(modules[module])
        ahead += [module.rsplit(".", 1)[0]]  # importing a module imports its package
    assert set(modules) - reached == set()
