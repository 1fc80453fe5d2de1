"""Every way to break a policy, with the exact words that the user reads."""

from __future__ import annotations

from typing import Any

import pytest

from gate import detectors
from gate.core.errors import PolicyError

BROKEN = {
    "root is a list": ("- 1", "1:1: expected a mapping, received a list of 1"),
    "root is a word": ("hello", "1:1: expected a mapping, received 'hello'"),
    "version missing": ("profile: quick", "1:1: version: missing, expected 1"),
    "version unknown": ("version: 2", "1:10: version: expected 1, received 2"),
    "version is true": ("version: true", "1:10: version: expected 1, received true"),
    "unknown key": ("version: 1\nprofil: quick", "2:1: profil: unknown key, did you mean 'profile'?"),
    "unknown detector": (
        "version: 1\ndetectors: {max: {}}",
        f"2:13: detectors.max: unknown key, expected one of {', '.join(detectors.ids())}",
    ),
    "detector misspelt": (
        "version: 1\ndetectors:\n  neural_cleanse: {}",
        "3:3: detectors.neural_cleanse: unknown key, did you mean 'neural-cleanse'?",
    ),
    "threshold is a word": (
        "version: 1\ndetectors:\n  neural-cleanse:\n    max_anomaly_index: high",
        "4:24: detectors.neural-cleanse.max_anomaly_index: expected a number > 0, received 'high'",
    ),
    "threshold is zero": (
        "version: 1\ndetectors: {neural-cleanse: {max_anomaly_index: 0}}",
        "2:49: detectors.neural-cleanse.max_anomaly_index: expected a number > 0, received 0",
    ),
    "threshold is not a number": (
        "version: 1\ndetectors: {neural-cleanse: {max_anomaly_index: .nan}}",
        "2:49: detectors.neural-cleanse.max_anomaly_index: expected a finite number, received '.nan'",
    ),
    "threshold is infinite": (
        "version: 1\ndetectors: {neural-cleanse: {max_anomaly_index: .inf}}",
        "2:49: detectors.neural-cleanse.max_anomaly_index: expected a finite number, received '.inf'",
    ),
    "statistic without its threshold": (
        "version: 1\ndetectors: {neural-cleanse: {statistic: paper_statistic}}",
        "2:29: detectors.neural-cleanse.max_anomaly_index: missing beside 'statistic', expected a number > 0",
    ),
    "enabled is yes": (
        "version: 1\ndetectors: {neural-cleanse: {enabled: yes}}",
        "2:39: detectors.neural-cleanse.enabled: expected true or false, received 'yes'",
    ),
    "severity unknown": (
        "version: 1\ndetectors: {neural-cleanse: {severity: bad}}",
        "2:40: detectors.neural-cleanse.severity: expected one of critical, high, medium, low, received 'bad'",
    ),
    "parameter unknown": (
        "version: 1\ndetectors: {neural-cleanse: {parameters: {restart: 2}}}",
        "2:43: detectors.neural-cleanse.parameters.restart: unknown key, did you mean 'restarts'?",
    ),
    "parameter of another type": (
        "version: 1\ndetectors: {neural-cleanse: {parameters: {restarts: 2.0}}}",
        "2:53: detectors.neural-cleanse.parameters.restarts: expected an integer, received 2.0",
    ),
    "detector is empty": (
        "version: 1\ndetectors:\n  neural-cleanse:\n",
        "3:18: detectors.neural-cleanse: expected a mapping, received null",
    ),
    "no rise at all": (
        "version: 1\nmax_regression: 0",
        "2:17: max_regression: expected a number > 0 or null, received 0",
    ),
    "score above one": ("version: 1\nmax_score: 95", "2:12: max_score: expected a number from 0 to 1 or null, received 95"),
    "limit is a time of day": (
        "version: 1\nlimits: {seconds: 1:30}",
        "2:19: limits.seconds: expected an integer from 1 to 86400, received '1:30'",
    ),
    "profile unknown": (
        "version: 1\nprofile: fast",
        "2:10: profile: expected one of quick, full, null, received 'fast'",
    ),
    "input range too short": (
        "version: 1\ninput_range: [1]",
        "2:14: input_range: expected a list of 2 numbers or null, received a list of 1",
    ),
    "input range upside down": (
        "version: 1\ninput_range: [255, 0]",
        "2:14: input_range: expected the lower bound first, received 255, 0",
    ),
    "input range of words": (
        "version: 1\ninput_range: [0, '1']",
        "2:18: input_range[1]: expected a number, received '1'",
    ),
    "data without role": (
        "version: 1\ndata: {path: a.npz}",
        "2:7: data.role: missing, expected one of clean, train",
    ),
    "negated pattern": (
        "version: 1\nexclude: ['!a']",
        "2:11: exclude[0]: expected a string such as 'docs/**', received '!a'",
    ),
    "override without match": (
        "version: 1\npaths:\n  - max_score: 1",
        "3:5: paths[0].match: missing, expected a string such as 'models/mnist/**'",
    ),
    "override with a key of the whole policy": (
        "version: 1\npaths:\n  - {match: a, exclude: []}",
        "3:16: paths[0].exclude: unknown key, expected one of data, detectors, incomplete, inconclusive, "
        "input_range, limits, match, max_regression, max_score, reason",
    ),
    "override is a word": ("version: 1\npaths: [a]", "2:9: paths[0]: expected a mapping, received 'a'"),
    "paths is a mapping": ("version: 1\npaths: {}", "2:8: paths: expected a list of mappings, received a mapping"),
    "reason is a number": ("version: 1\npaths: [{match: a, reason: 7}]", "2:28: paths[0].reason: expected a string, received 7"),
    "duplicate key": (
        "version: 1\nprofile: quick\nprofile: full",
        "3:1: profile: duplicate key, first seen in line 2",
    ),
    "duplicate key of another kind": (
        "version: 1\ndata: {path: a, role: train}\ndata: null",
        "3:1: data: duplicate key, first seen in line 2",
    ),
    "anchor": ("version: &one 1", "1:10: version: anchors and aliases are not allowed, write the value out"),
    "tag": ("version: !!int 1", "1:10: version: tags are not allowed, received 'tag:yaml.org,2002:int'"),
    "merge key": ("version: 1\n<<: {}", "2:1: <<: unknown key, expected one of data, detectors, exclude, extends, "
        "incomplete, inconclusive, input_range, limits, max_regression, max_score, paths, profile, version, waivers"),
    "terminal escape in a key": (
        'version: 1\n"profile\\e[2J": 1',
        "2:1: profile\\x1b[2J: unknown key, did you mean 'profile'?",
    ),
    "built-in misspelt": (
        "version: 1\nextends: strikt",
        "2:10: extends: expected a built-in policy or a file, received 'strikt', did you mean 'strict'?",
    ),
    "base missing": (
        "version: 1\nextends: org/base.yaml",
        "2:10: extends: expected a policy file, received 'org/base.yaml', which does not exist",
    ),
    "base is the file itself": (
        "version: 1\nextends: ./ci.yaml",
        "2:10: extends: expected a policy that does not lead back to itself, received './ci.yaml'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_policy_says_where_what_and_how(text: str, message: str, load_files: Any) -> None:
    with pytest.raises(PolicyError) as caught:
        load_files(text)

    assert f"ci.yaml:{message}" == str(caught.value)
    assert caught.value.hint


def test_all_problems_are_told_at_once_from_top_to_bottom(load_files: Any) -> None:
    text = "limits: {seconds: 0}\nextends: &x default\nmax_score: 2\nextends: default\nincomplete: *x\n"

    with pytest.raises(PolicyError) as caught:
        load_files(text)

    assert [
        "ci.yaml:1:1: version: missing, expected 1",
        "ci.yaml:1:19: limits.seconds: expected an integer from 1 to 86400, received 0",
        "ci.yaml:2:10: extends: anchors and aliases are not allowed, write the value out",
        "ci.yaml:3:12: max_score: expected a number from 0 to 1 or null, received 2",
        "ci.yaml:4:1: extends: duplicate key, first seen in line 2",
        "ci.yaml:5:13: incomplete: anchors and aliases are not allowed, write the value out",
    ] == str(caught.value).splitlines()


def test_a_problem_in_the_base_names_the_base(load_files: Any) -> None:
    files = {"sub/ci.yaml": "version: 1\nextends: ../org/base.yml", "org/base.yml": "version: 3"}

    with pytest.raises(PolicyError, match=r"^org/base\.yml:1:10: version: expected 1, received 3$"):
        load_files(files, source="sub/ci.yaml")


def test_a_circle_of_policies_is_refused(load_files: Any) -> None:
    files = {
        "ci.yaml": "version: 1\nextends: sub/b.yaml",
        "sub/b.yaml": "version: 1\nextends: ../ci.yaml",
    }

    with pytest.raises(PolicyError, match=r"^sub/b\.yaml:2:10: extends: .* does not lead back to itself"):
        load_files(files)
