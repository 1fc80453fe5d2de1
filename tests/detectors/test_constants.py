from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.cache import engine
from gate.core import scale
from gate.detectors.shared import constants

GATE = Path(constants.__file__).parents[2]
ROOM = GATE / "detectors"
FILES = sorted(ROOM.rglob("*.py"))
BASES = ("by hand", "fitted", "mathematics", "paper")

# What is no choice of anybody, wherever it stands within a function.
PLAIN = {
    0: "nothing, or the first",
    1: "one, or all of it",
    2: "a square, a half, a pair",
    0.5: "the middle",
    100: "per cent",
    255: "levels of a byte",
    1e-30: "keeps a division from zero",
    1e-12: "keeps a division from zero",
    1e-9: "keeps a division from zero",
    1e-7: "keeps a division from zero, as Keras does",
    1e-6: "keeps a division or a logarithm from zero",
}
# What is none at its place: in a function, or as a name of its module or class.
OWN = {
    "head_weights:_SMALLEST": "keeps a division from zero",
    "maximum_margin:_SMALLEST": "keeps a division from zero",
    "maximum_margin:_compiled_step": "pictures of one shape: the state and two moments",
    "inversion/confirmation:_LEVELS": "levels of a byte",
    "inversion/patch_screen:_NOTHING": "keeps a division from zero",
    "inversion/patch_steps:_NOTHING": "keeps a division from zero",
    "inversion/permutation:step": "places in a tuple",
    "inversion/permutation:_destinations": "out of reach: no class stays what it is",
    "inversion/search:_best": "larger than any norm",
    "inversion/triggers:smallest": "no bound",
    "meta/features:_NOTHING": "keeps a division from zero",
    "meta/fit:fit": "digits of a file",
    "meta/model:VERSION": "of a format",
    "meta/model:LARGEST_FILE": "a guard: 1 MiB",
    "meta/responses:_NO_SPREAD": "keeps a division from zero",
    "meta/shadows:train": "bits of a seed",
    "meta/shadows:_begin_anew": "bits of a seed",
    "meta/shadows:_fresh": "Glorot's formula",
    "scoring/calibration:of_few": "once: no difference",
    "scoring/outliers:wilson_interval": "Wilson's formula",
    "shared/sheets:_PAPER": "white",
    "shared/sheets:grid": "colours",
    "shared/sheets:thumbnails": "axes of images",
    "structure/gates:leak": "as the network is",
    "structure/gates:multiplications": "none yet",
    "structure/still_units:SMALLEST": "keeps a division from zero",
    "structure/still_units:_LIVE": "a rank: neither of the two still ones",
    "shared/contract:longer": "nothing follows",
    "training_set/suspects:_sheet": "colours",
}
# Arguments in which a number is no choice that changes a verdict: keyword, or function and position.
ELSEWHERE = {"axis", "cwe"}
CUTS_TEXT = "printable"


def literals(tree: ast.Module) -> Iterator[tuple[str, float, bool]]:
    """Yield each number of a file: the function or name that it is in, itself, and whether it is all of that name."""

    def walk(node: ast.AST, place: str, is_name: bool) -> Iterator[tuple[str, float, bool]]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            place, is_name = node.name, False
        elif not place and isinstance(node, (ast.Assign, ast.AnnAssign)):
            place, is_name = names_of(node), node.value is not None and is_number(node.value)
        elif (isinstance(node, ast.keyword) and node.arg in ELSEWHERE) or (
            isinstance(node, ast.Call) and ast.unparse(node.func) == CUTS_TEXT
        ):
            return
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".mean") and node.args:
            return  # axes
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield place, node.value, is_name
        for child in ast.iter_child_nodes(node):
            yield from walk(child, place, is_name)

    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            for inner in statement.body:
                yield from walk(inner, "", False)
        else:
            yield from walk(statement, "", False)


def is_number(value: ast.expr) -> bool:
    """Return whether an expression is numbers and nothing else."""
    kinds = (ast.Constant, ast.Tuple, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)
    return all(isinstance(node, kinds) for node in ast.walk(value))


def names_of(node: ast.Assign | ast.AnnAssign) -> str:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return ", ".join(ast.unparse(target) for target in targets)


def tuned(code: str, module: str) -> list[tuple[str, float]]:
    """Return the numbers of a module that somebody may have tuned, and where they are."""
    return [
        (f"{module}:{place}", value)
        for place, value, is_name in literals(ast.parse(code))
        if f"{module}:{place}" not in OWN and (is_name or value not in PLAIN)
    ]


def module_of(file: Path) -> str:
    return file.relative_to(ROOM).with_suffix("").as_posix()


def readings(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the entries of the table that a file reads, and the name that it gives each at once; "" if none."""
    tree = ast.parse(file.read_text("utf-8"))
    given = {
        id(node.value): [ast.unparse(each) for each in getattr(node.targets[0], "elts", node.targets)]
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and all(isinstance(each, ast.Constant) for each in node.args):
            entries = entries_of(ast.unparse(node.func), [ast.literal_eval(each) for each in node.args])
            names = given.get(id(node), [])
            yield from zip(entries, names if len(names) == len(entries) else [""] * len(entries), strict=True)


def entries_of(reader: str, words: list[str]) -> list[str]:
    if reader in ("integer", "real", "several"):
        return words
    if reader in ("integers", "reals"):
        return [f"{words[0]}.{word}" for word in words[1:]]
    return [each for each in constants.constants() if reader == "record" and each.startswith(f"{words[0]}.")]


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_no_tuned_number_stands_in_the_code(file: Path) -> None:
    assert [] == tuned(file.read_text("utf-8"), module_of(file))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("_RATE = 0.05", [("m:_RATE", 0.05)]),
        ("_KINDS = 2", [("m:_KINDS", 2)]),
        ("class A:\n    steps: int = 40", [("m:steps", 40)]),
        ("def f(x):\n    return 0.7 * x", [("m:f", 0.7)]),
        ("def f(x):\n    return 2 * x[0] + 1e-9", []),
        ("def f(x):\n    return x.sum(axis=3)", []),
        ('_RATE = real("m.rate")', []),
    ],
)
def test_the_search_itself_finds_what_it_looks_for(code: str, found: list[tuple[str, float]]) -> None:
    assert found == tuned(code, "m")


def test_every_exception_is_still_there() -> None:
    places = {
        f"{module_of(file)}:{place}" for file in FILES for place, *_ in literals(ast.parse(file.read_text()))
    }

    assert set() == set(OWN) - places


def test_every_entry_is_read_once_by_its_own_module() -> None:
    read = [(name, module_of(file)) for file in FILES for name, _ in readings(file)]

    assert sorted(constants.constants()) == sorted(name for name, _ in read)
    assert [] == [
        (name, module)
        for name, module in read
        if not name.startswith(module.replace("/", ".").replace("_", "-") + ".")
    ]


def test_the_code_calls_an_entry_what_the_table_calls_it() -> None:
    given = [(entry.rpartition(".")[2], name) for file in FILES for entry, name in readings(file) if name]

    assert len(given) > 100
    assert [] == [each for each in given if each[0] != each[1].strip("_").lower().replace("_", "-")]


@pytest.mark.parametrize("entry", constants.constants().values(), ids=lambda each: each.name)
def test_an_entry_says_what_it_is(entry: constants.Constant) -> None:
    assert entry.unit
    assert entry.means.endswith(".")
    assert entry.basis.startswith(BASES)
    assert entry.basis != "by hand", "since when?"
    if entry.adr is not None:
        assert list((GATE.parent / "docs" / "adr").glob(f"{entry.adr:04d}-*.md"))


def test_the_limit_and_the_largest_index_stand_once() -> None:
    defined = Counter(
        name
        for file in sorted(GATE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        for name in (names_of(node),)
        if re.fullmatch(r"_?(CLEAN_)?(LIMIT|LARGEST_INDEX)", name) and isinstance(node.value, ast.Constant)
    )

    assert {"LIMIT": 1, "LARGEST_INDEX": 1} == defined
    assert (2.0, 99.0) == (scale.LIMIT, scale.LARGEST_INDEX)


def test_neither_is_repeated_in_prose() -> None:
    repeated = [
        (module_of(file), node.value)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.search(rf"\b({scale.LIMIT}|{scale.LARGEST_INDEX:.0f})\b(?! %)", node.value)
    ]

    assert [] == repeated


def test_pages_quote_the_table() -> None:
    page = importlib.import_module("gate.detectors.gated_patch").DETECTOR.RULE.page

    assert f"{scale.LIMIT} where the lead is {constants.real('gated-patch.usual-lead')};" in page


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(KeyError, match=r"calibration.toml: no entry 'strip.nonsense'"):
        constants.real("strip.nonsense")
    with pytest.raises(KeyError, match=r"strip\.nonsense"):
        constants.record("strip.nonsense")


def test_a_whole_number_is_no_real_one() -> None:
    with pytest.raises(TypeError, match=r"strip.images: expected float, received 2000"):
        constants.real("strip.images")
    with pytest.raises(TypeError, match=r"strip.low: expected int, received 0.1"):
        constants.integer("strip.low")


def test_a_changed_table_is_another_engine_so_that_no_old_verdict_counts(tmp_path: Path) -> None:
    copied = tmp_path / constants.TABLE.name
    copied.write_bytes(constants.TABLE.read_bytes())
    before = engine.source_sha256(tmp_path)
    copied.write_text(copied.read_text("utf-8").replace("value = 0.6", "value = 0.7"), "utf-8")

    assert before != engine.source_sha256(tmp_path)
