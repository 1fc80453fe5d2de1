from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.networks import truth
from benchmarks.networks.recipe import recipes
from benchmarks.scans import seeds
from benchmarks.scans.check import check, entry
from tests.benchmarks.truths import true


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for recipe in recipes(30):
        truth.write(recipe, true(), tmp_path / f"{recipe.name}.truth.json")
    return tmp_path


def test_half_of_the_networks_are_clean_and_fewer_are_the_first_of_more(folder: Path) -> None:
    kinds = {recipe.name: (recipe.split, bool(recipe.attack)) for recipe in recipes(30)}

    names = seeds.chosen(folder, "validation", 10)

    assert [("validation", False), ("validation", True)] * 5 == [kinds[name] for name in names]
    assert names[:4] == seeds.chosen(folder, "validation", 4)
    assert 20 == len(set(seeds.chosen(folder, "validation", 99)))


def test_networks_of_many_classes_can_be_left_out(folder: Path) -> None:
    assert [] == seeds.chosen(folder, "validation", 10, most_classes=2)
    assert 10 == len(seeds.chosen(folder, "validation", 10, most_classes=3))


def test_a_run_goes_on_where_it_stopped_seed_by_seed(folder: Path) -> None:
    one, other = names = seeds.chosen(folder, "validation", 2)
    (folder / f"{one}.scan.json").write_text(json.dumps({"artifacts": [{"verdict": "fail"}]}))
    (folder / f"{other}.seeds.json").write_text(json.dumps({"0": "pass", "2": "pass"}))

    assert [(1, one), (1, other), (2, one)] == list(seeds.missing(folder, names, 3))
    assert {"0": "fail"} == seeds.verdicts(folder, one)


def test_a_network_that_cannot_be_scanned_has_no_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (name,) = seeds.chosen(folder, "validation", 1)
    (folder / f"{name}.keras").write_bytes(b"no network")

    seeds.scan(folder, name, 1)

    assert f"{name}: seed 1: not scanned in full: BD001" in capsys.readouterr().out
    assert {} == seeds.verdicts(folder, name)


def test_what_a_scan_costs_stands_beside_its_report(tmp_path: Path) -> None:
    model = tmp_path / "some.keras"
    model.write_bytes(b"no network")

    found = check(model, (0.0, 1.0), tmp_path / "some.scan.json")

    assert found == entry(tmp_path / "some.scan.json")
    assert 0.0 < json.loads((tmp_path / "some.cost.json").read_text())["cpu_seconds"] < 60.0
