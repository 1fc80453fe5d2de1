from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from grimp import ImportGraph, build_graph
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "gate").rglob("*.py"))
# They are, or prepare, the other process: its environment and its standard output are theirs to arrange.
OTHER_PROCESS = {
    "gate/worker/child.py",
    "gate/worker/server.py",
    "gate/worker/training_child.py",
    "gate/sandbox/probe.py",
}
HEAVY = {
    "tensorflow",
    "keras",
    "sklearn",
    "scipy",
    "joblib",
    "h5py",
    "PIL",
    "junit_xml",
    "jinja2",
    "markdown_it",
    "markupsafe",
}
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
# Of gate/detectors: folders of shared parts, which of them one detector uses, and how often they use each other.
MOST_FOLDERS, MOST_FOR_ONE, MOST_AMONG_FOLDERS = 8, 4, 10

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(node: ast.AST) -> Iterator[str]:
    """Yield what a statement imports, by full name."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the module is imported: none in functions, none for type checkers only."""
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not isinstance(child, Function) and not is_for_types:
            yield child
            yield from at_import(child)


def dotted(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, (ast.Attribute, ast.Name)) else ""


each_file = pytest.mark.parametrize("file", FILES, ids=name_of)


def test_every_floor_imports_only_what_lies_below(capsys: pytest.CaptureFixture[str]) -> None:
    configure()

    kept = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)

    assert kept, capsys.readouterr().out


@each_file
def test_a_file_can_be_read_in_one_go(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def lines_of_code(function: Function) -> int:
    """Count from the first statement to the last: neither a list of options nor a docstring makes code long."""
    first = function.body[ast.get_docstring(function) is not None and len(function.body) > 1]
    return (function.end_lineno or 0) - first.lineno + 1


@each_file
def test_a_function_fits_on_a_screen(file: Path) -> None:
    functions = (node for node in ast.walk(tree_of(file)) if isinstance(node, Function))
    lengths = {function.name: lines_of_code(function) for function in functions}

    assert {} == {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


@each_file
def test_heavy_libraries_are_imported_where_they_are_needed(file: Path) -> None:
    imported = {name.partition(".")[0] for node in at_import(tree_of(file)) for name in imports(node)}

    assert set() == imported & HEAVY


@pytest.mark.parametrize("room", ["detectors", "reporters"])
def test_plugins_of_one_room_do_not_know_each_other(room: str) -> None:
    folder = ROOT / "gate" / room
    public = {f"gate.{room}.{file.stem}" for file in folder.glob("*.py") if file.name != "__init__.py"}
    acquainted = [
        (name_of(file), name)
        for file in folder.rglob("*.py")
        for node in ast.walk(tree_of(file))
        for name in imports(node)
        if any(name == other or name.startswith(f"{other}.") for other in public)
    ]

    assert [] == acquainted


def test_no_module_hides_behind_an_underscore() -> None:
    """What others may not use is a name within a module; a module of its own is for others."""
    hidden = [
        name_of(file) for folder in ("gate", "benchmarks") for file in (ROOT / folder).rglob("_[!_]*.py")
    ]

    assert [] == hidden


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    return build_graph("gate", cache_dir=None)


def test_a_stranger_finds_the_way_among_the_detectors(graph: ImportGraph) -> None:
    """The bounds do not know how many detectors there are: one more is no reason to change them."""
    names = {file.stem for file in (ROOT / "gate" / "detectors").glob("*.py")}
    folders = {file.parent.name for file in (ROOT / "gate" / "detectors").glob("*/__init__.py")}
    arrows = {
        (one, other)
        for importer, imported in edges(graph)
        for one, other in [(part_of(importer), part_of(imported))]
        if one and other in folders and one != other
    }
    used = {name: sorted(other for one, other in arrows if one == name) for name in names}
    among = sorted(arrow for arrow in arrows if arrow[0] in folders)

    assert len(folders) <= MOST_FOLDERS, sorted(folders)
    assert {} == {name: found for name, found in used.items() if len(found) > MOST_FOR_ONE}
    assert len(among) <= MOST_AMONG_FOLDERS, among


def test_modules_import_each_other_in_one_direction(graph: ImportGraph) -> None:
    """Imports inside functions, and those for types only, count as well."""
    needs: dict[str, set[str]] = {}
    for importer, imported in edges(graph):
        needs.setdefault(importer, set()).add(imported)
    try:
        tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def edges(graph: ImportGraph) -> Iterator[tuple[str, str]]:
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            yield importer, imported


def part_of(module: str) -> str:
    """Return which detector, or folder of shared parts, a module is or belongs to; "" if neither."""
    names = module.split(".")
    return names[2] if module.startswith("gate.detectors.") else ""


def outward(tree: ast.Module) -> Iterator[str]:
    """Yield every place where code prints, ends the process or reads the environment."""
    calls = (dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = (dotted(node) for node in ast.walk(tree))
    yield from (
        call for call in calls if call in ("print", "exit", "quit", "os._exit", "sys.exit", "os.getenv")
    )
    yield from (name for name in names if name in ("os.environ", "os.environb", "sys.stdout", "sys.stderr"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.unparse(node.exc):
            yield "SystemExit"
        wanted = ("os.environ", "os.getenv", "sys.exit", "sys.stdout", "sys.stderr")
        yield from (name for name in imports(node) if name in wanted)


@pytest.mark.parametrize("file", [file for file in FILES if name_of(file) not in OTHER_PROCESS], ids=name_of)
def test_only_the_command_line_prints_exits_or_reads_the_environment(file: Path) -> None:
    if not {"cli", "__main__.py"} & set(file.relative_to(ROOT / "gate").parts):
        assert [] == list(outward(tree_of(file)))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("print('x')", ["print"]),
        ("import sys\nsys.exit(1)", ["sys.exit"]),
        ("import os\nos.environ['HOME']", ["os.environ"]),
        ("from os import environ", ["os.environ"]),
        ("raise SystemExit(3)", ["SystemExit"]),
        ("def printable(): ...\nprintable()", []),
    ],
)
def test_the_search_itself_finds_what_it_looks_for(code: str, found: list[str]) -> None:
    assert found == list(outward(ast.parse(code)))


def test_the_other_search_ignores_functions_and_types() -> None:
    code = (
        "import os\nif TYPE_CHECKING:\n    import keras\ndef f():\n    import h5py\nclass A:\n    import PIL"
    )

    found = [name for node in at_import(ast.parse(code)) for name in imports(node)]

    assert ["os", "PIL"] == found


def test_test_files_have_names_of_their_own() -> None:
    names = sorted(file.name for file in (ROOT / "tests").rglob("test_*.py"))

    assert [] == [name for name, group in itertools.groupby(names) if len(list(group)) > 1]
