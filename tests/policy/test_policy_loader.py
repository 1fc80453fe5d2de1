from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gate import detectors
from gate.core.errors import PolicyError
from gate.policy.loader import BUILT_IN, DISCOVERED, builtin_directory, load
from gate.policy.model import Consequence, DataSetting, Limits, OnSkip, Profile, Role, Statistic

# Every image classifier can be asked by these: one that cannot is not cleared.
MUST_ANSWER = {
    "neural-cleanse",
    "universal-patch",
    "universal-perturbation",
    "maximum-margin",
    "hand-made-logic",
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_policy_loads(name: str, load_files: Any) -> None:
    policy = load_files({}, source=name)

    assert f"built-in {name}" == policy.stamp.source
    assert detectors.ids() == tuple(sorted(each.id for each in policy.settings.detectors))
    assert policy.settings.limits == Limits()


def test_built_in_policies_differ_as_documented(load_files: Any) -> None:
    settings = {name: load_files({}, source=name).settings for name in BUILT_IN}

    limits = {
        name: {each.id: each.max_anomaly_index for each in found.detectors if each.enabled}
        for name, found in settings.items()
    }
    default = limits["default"]
    assert {2.0} == set(default.values())
    assert {**dict.fromkeys(default, 1.5), "meta-neural-analysis": 2.0} == limits["strict"]
    assert {"neural-cleanse": 2.0, "activation-clustering": 0.15} == limits["paper"]
    assert dict.fromkeys(default, 3.0) == limits["research"]
    assert {Statistic.PAPER} == {each.statistic for each in settings["paper"].detectors if each.enabled}
    assert Consequence.WARN is settings["research"].incomplete is settings["research"].inconclusive
    assert Consequence.FAIL is settings["strict"].incomplete is settings["strict"].inconclusive
    asked = {each.id for each in settings["strict"].detectors if each.on_skip is OnSkip.FAIL}
    assert asked >= MUST_ANSWER | {"meta-neural-analysis"}  # what the user asked for must answer


@pytest.mark.parametrize("name", DISCOVERED)
def test_the_policy_of_the_repository_is_discovered(name: str, load_files: Any) -> None:
    policy = load_files({name: "version: 1\nprofile: full"}, source=None)

    assert (name, Profile.FULL) == (policy.stamp.source, policy.profile)


def test_without_a_policy_the_built_in_default_holds(load_files: Any) -> None:
    assert load_files({}, source="default") == load_files({}, source=None)


def test_two_policies_are_one_too_many(load_files: Any) -> None:
    text = "version: 1"

    with pytest.raises(
        PolicyError, match=r"^\.github/backdoor-gate\.yaml:1:1: expected one policy, received a second"
    ):
        load_files({".backdoor-gate.yaml": text, ".github/backdoor-gate.yaml": text}, source=None)


def test_a_dangling_link_is_not_the_absence_of_a_policy(load_files: Any, tmp_path: Path) -> None:
    (tmp_path / ".backdoor-gate.yaml").symlink_to("gone.yaml")

    with pytest.raises(
        PolicyError, match=r"^\.backdoor-gate\.yaml:1:1: expected a policy file, received: No such file"
    ):
        load_files({}, source=None)


def test_a_file_named_like_a_built_in_policy_needs_a_slash(load_files: Any) -> None:
    files = {"strict": "version: 1\nmax_score: 0.75"}

    assert 0.3 == load_files(files, source="strict").settings.max_score
    assert 0.75 == load_files(files, source="./strict").settings.max_score


@pytest.mark.parametrize("name", ["strikt", "", ".", "no-such"])
def test_an_unknown_built_in_policy_is_refused(name: str, load_files: Any) -> None:
    with pytest.raises(
        PolicyError, match=f"^--policy: expected a built-in policy or a file, received '{name}'"
    ):
        load_files({}, source=name)


def test_a_path_outside_the_root_is_named_in_full(
    known: Mapping[str, Mapping[str, type]], tmp_path: Path
) -> None:
    (tmp_path / "org.yaml").write_text("version: 1")

    policy = load(str(tmp_path / "org.yaml"), known, builtin_directory(), tmp_path / "repository")

    assert (tmp_path / "org.yaml").as_posix() == policy.source


def test_a_policy_that_extends_nothing_starts_from_the_default(load_files: Any) -> None:
    policy = load_files("version: 1\ndetectors: {neural-cleanse: {max_anomaly_index: 1}}")

    limits = {each.id: each.max_anomaly_index for each in policy.settings.detectors}
    assert {**dict.fromkeys(detectors.ids(), 2.0), "neural-cleanse": 1.0} == limits


def test_the_default_itself_can_be_named_as_a_file(known: Mapping[str, Mapping[str, type]]) -> None:
    builtin = builtin_directory()

    policy = load("../policies/default.yaml", known, builtin, builtin)

    assert load("default", known, builtin, builtin).stamp.sha256 == policy.stamp.sha256


def test_mappings_merge_lists_replace_and_paths_of_the_base_come_first(load_files: Any) -> None:
    policy = load_files(
        {
            "ci.yaml": """
                version: 1
                extends: org/base.yaml
                detectors: {neural-cleanse: {parameters: {steps: 5}}}
                exclude: [b]
                data: null
                limits: {seconds: 5}
                paths: [{match: "*.h5", max_score: 0.2, reason: sure}]
            """,
            "org/base.yaml": """
                version: 1
                extends: ../top.yaml
                profile: quick
                detectors: {neural-cleanse: {severity: low, parameters: {restarts: 2, steps: 9}}}
                exclude: [a, c]
                data: {path: d.npz, role: train}
                limits: {memory_mb: 7}
                paths: [{match: "**", max_score: 0.1}]
            """,
            "top.yaml": "version: 1\nextends: strict",
        }
    )

    first = policy.settings.detectors[0]
    assert (1.5, "low", (("restarts", 2), ("steps", 5))) == (
        first.max_anomaly_index,
        first.severity,
        first.parameters,
    )
    assert (Profile.QUICK, ("b",), None) == (policy.profile, policy.exclude, policy.settings.data)
    assert Limits(seconds=5, memory_mb=7) == policy.settings.limits
    assert [("**", ""), ("*.h5", "sure")] == [(each.match, each.reason) for each in policy.overrides]


def test_later_overrides_win_where_they_match(load_files: Any) -> None:
    policy = load_files(
        """
        version: 1
        input_range: [0, 255]
        paths:
          - {match: "models/**", input_range: [0, 1], detectors: {neural-cleanse: {max_anomaly_index: 3}}}
          - {match: "*.keras", input_range: [-1, 1], data: {path: d, role: clean}}
          - {match: "models/odd/", input_range: null, incomplete: warn}
        """
    )

    assert (0, 255) == policy.for_path("a.h5").input_range
    assert (0, 1) == policy.for_path("models/a.h5").input_range
    keras = policy.for_path("models/a.keras")
    assert ((-1, 1), 3.0) == (keras.input_range, keras.detectors[0].max_anomaly_index)
    assert DataSetting(path="d", role=Role.CLEAN) == keras.data
    odd = policy.for_path("models/odd/a.keras")
    assert (None, Consequence.WARN, True) == (odd.input_range, odd.incomplete, odd.detectors[0].enabled)


def test_excluded_paths_are_told_apart(load_files: Any) -> None:
    policy = load_files("version: 1\nexclude: ['docs/**', '*.weights.h5']")

    assert policy.is_excluded("docs/a/b.h5")
    assert policy.is_excluded("models/a.weights.h5")
    assert not policy.is_excluded("models/a.h5")


def test_the_digest_ignores_how_a_policy_is_written(load_files: Any) -> None:
    plain = load_files("version: 1\nextends: strict\nmax_score: 1")
    fancy = load_files("# why\n{max_score: 1.0, version: 1, extends: 'strict'}")
    through = load_files(
        {"ci.yaml": "version: 1\nextends: b.yaml", "b.yaml": "version: 1\nextends: strict\nmax_score: 1"}
    )

    assert plain.stamp == fancy.stamp == through.stamp


@pytest.mark.parametrize(
    "change",
    ["max_score: 0.9", "exclude: [a]", "profile: full", "paths: [{match: a}]", "limits: {seconds: 9}"],
)
def test_the_digest_changes_with_what_the_policy_says(change: str, load_files: Any) -> None:
    assert load_files("version: 1").stamp.sha256 != load_files(f"version: 1\n{change}").stamp.sha256


def test_a_resolved_policy_written_out_means_the_same(load_files: Any) -> None:
    policy = load_files(
        """
        version: 1
        extends: paper
        input_range: [-1, 1]
        data: {path: d.npz, role: train}
        detectors: {neural-cleanse: {parameters: {steps: 5}}}
        paths: [{match: a, reason: b, limits: {seconds: 9}}]
        """
    )

    again = load_files(json.dumps(policy.resolved()))

    assert policy == again
    assert policy.stamp == again.stamp


def test_an_installed_package_brings_its_own_policies() -> None:
    assert {f"{name}.yaml" for name in BUILT_IN} == {path.name for path in builtin_directory().iterdir()}


def test_importing_the_policy_room_loads_no_schema_library() -> None:
    code = "import sys, gate.policy.loader, gate.policy.judge; print('jsonschema' in sys.modules)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == result.stdout.strip()
