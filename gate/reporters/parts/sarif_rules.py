"""SARIF's tool component: the rules with their help, and the taxonomies that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from gate.core.rule import Rule, Severity
from gate.reporters.parts.json_text import Json

NAME = "backdoor-gate"
HOME_PAGE = "https://pypi.org/project/backdoor-gate/"

# GitHub's bands: above 9.0 critical, 7.0-8.9 high, 4.0-6.9 medium, 0.1-3.9 low.
_SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
_PROBLEM_SEVERITY = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "recommendation",
}
_LONGEST_TEXT = 1024  # code scanning refuses the whole file beyond
_MOST_TAGS = 10


def driver(rules: Sequence[Rule], version: str) -> Json:
    """Return `tool.driver` with every rule, in the given order."""
    return {
        "name": NAME,
        "organization": NAME,
        "version": version,
        "semanticVersion": version,
        "informationUri": HOME_PAGE,
        "shortDescription": {"text": "Stops a backdoored Keras model before it is merged."},
        "fullDescription": {"text": "Recovers triggers from Keras image classifiers and checks their files."},
        "supportedTaxonomies": [
            {"name": name, "index": index} for index, name in enumerate(_taxonomy_names(rules))
        ],
        "rules": [_rule(rule, _taxonomy_names(rules)) for rule in rules],
    }


def taxonomies(rules: Sequence[Rule]) -> list[Json]:
    """Return the CWE entries and MITRE ATLAS techniques that the rules name."""
    return [_TAXONOMIES[name] | {"taxa": _taxa(name, rules)} for name in _taxonomy_names(rules)]


_TAXONOMIES: dict[str, dict[str, Json]] = {
    "CWE": {
        "name": "CWE",
        "organization": "MITRE",
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": {"text": "Common Weakness Enumeration."},
        "isComprehensive": False,
    },
    "MITRE ATLAS": {
        "name": "MITRE ATLAS",
        "organization": "MITRE",
        "informationUri": "https://atlas.mitre.org/",
        "shortDescription": {"text": "Adversarial Threat Landscape for Artificial-Intelligence Systems."},
        "isComprehensive": False,
    },
}


def _taxonomy_names(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(name for name in _TAXONOMIES if any(_members(name, rule) for rule in rules))


def _members(taxonomy: str, rule: Rule) -> tuple[str, ...]:
    return tuple(f"CWE-{number}" for number in rule.cwe) if taxonomy == "CWE" else rule.atlas


def _taxa(taxonomy: str, rules: Sequence[Rule]) -> list[Json]:
    ids = sorted({member for rule in rules for member in _members(taxonomy, rule)})
    return [{"id": member, "name": member, "helpUri": _taxon_page(taxonomy, member)} for member in ids]


def _taxon_page(taxonomy: str, member: str) -> str:
    if taxonomy == "CWE":
        return f"https://cwe.mitre.org/data/definitions/{member.removeprefix('CWE-')}.html"
    return f"https://atlas.mitre.org/techniques/{member}"


def _rule(rule: Rule, known: Sequence[str]) -> Json:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary[:_LONGEST_TEXT]},
        "fullDescription": {"text": _full_description(rule)},
        "help": {"text": _without_marks(rule.page), "markdown": rule.page},
        "helpUri": HOME_PAGE,
        "defaultConfiguration": {"level": "error"},
        "relationships": [
            {
                "target": {"id": member, "toolComponent": {"name": name, "index": index}},
                "kinds": ["relevant"],
            }
            for index, name in enumerate(known)
            for member in _members(name, rule)
        ],
        "properties": {
            "security-severity": _SECURITY_SEVERITY[rule.severity],
            "problem.severity": _PROBLEM_SEVERITY[rule.severity],
            # A pointer is a pointer; a recovered trigger is a measurement.
            "precision": "very-high" if rule.stops else "high",
            "tags": _tags(rule),
        },
    }


def _full_description(rule: Rule) -> str:
    explain = f" Run `{NAME} explain {rule.id}` for what it means and how to mend it."
    return rule.summary[: _LONGEST_TEXT - len(explain)] + explain


def _tags(rule: Rule) -> list[Json]:
    tags: list[Json] = ["security", "machine-learning", rule.name]
    tags += [f"external/cwe/cwe-{number:03}" for number in rule.cwe]
    tags += [f"external/atlas/{technique}" for technique in rule.atlas]
    return tags[:_MOST_TAGS]


def _without_marks(markdown: str) -> str:
    return "\n".join(line.lstrip("#").strip().replace("`", "") for line in markdown.splitlines())
