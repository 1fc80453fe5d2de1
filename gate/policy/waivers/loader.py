"""Read a waiver file or a baseline, and check it as strictly as a policy."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

from gate.core.report import PolicyStamp
from gate.policy.check import check, unknown
from gate.policy.problems import KeyPath, Problem, Refusal, spell
from gate.policy.schema import Schema
from gate.policy.store import Store
from gate.policy.waivers.model import Exemptions, Known, Waiver
from gate.policy.yaml_source import Source, read

WAIVERS = ".backdoor-gate/waivers.yaml"
BASELINE = ".backdoor-gate/baseline.json"

_LISTS = frozenset({"waivers", "findings"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where waivers and baseline lie, absolute; who reads them."""

    waivers: Path
    baseline: Path
    store: Store


def schema_of(kind: str) -> Schema:
    """Return the JSON Schema of "waivers" or "baseline"."""
    text = Path(__file__).with_name(f"{kind}.schema.json").read_text("utf-8")
    return cast("Schema", json.loads(text))


def load(files: Files, rules: Collection[str], today: date, max_days: int) -> Exemptions:
    """Return all exceptions; a file that is not there makes none.

    Args:
        files: Where they are.
        rules: Every rule there is; an entry that names another one would silently do nothing.
        today: The day of the run.
        max_days: No waiver may end later than this many days from today.

    Raises:
        PolicyError: A list of all that is wrong with a file.
    """
    waivers = _read(files.waivers, "waivers", files.store, rules)
    baseline = _read(files.baseline, "baseline", files.store, rules)
    return Exemptions(
        today=today,
        waivers=_waivers(waivers, today + timedelta(days=max_days)) if waivers else (),
        baseline=tuple(_known(baseline)) if baseline else (),
        waivers_stamp=_stamp(waivers),
        baseline_stamp=_stamp(baseline),
    )


def read_checked(path: Path, kind: str, store: Store) -> Source | None:
    """Return a file of a kind ("waivers" or "baseline") that satisfies its schema; None if there is none.

    Raises:
        PolicyError: A list of all that is wrong with it.
    """
    if not store.holds(path):
        return None
    source = read(path, store.label(path), store, kind, may_quote=store.quotes(path))
    check(source, schema_of(kind))
    return source


def _read(path: Path, kind: str, store: Store, rules: Collection[str]) -> Source | None:
    source = read_checked(path, kind, store)
    if source is not None:
        _refuse(source, _unknown_rules(source, rules))
    return source


def _refuse(source: Source, problems: Iterable[Problem]) -> None:
    if listed := list(problems):
        raise Refusal(source.label, listed)


def _stamp(source: Source | None) -> PolicyStamp | None:
    return None if source is None else PolicyStamp(sha256=source.sha256, source=source.label)


def _entries(source: Source) -> Iterable[tuple[KeyPath, dict[str, Any], str]]:
    """Yield every entry after its place in the document and before its place in the file."""
    document = cast("dict[str, list[dict[str, Any]]]", source.value)
    for name in _LISTS & document.keys():
        for index, entry in enumerate(document[name]):
            line, _ = source.values[(name, index)]
            yield (name, index), entry, f"{source.label}:{line}"


def _unknown_rules(source: Source, rules: Collection[str]) -> Iterable[Problem]:
    for path, entry, _ in _entries(source):
        if entry["rule"] not in rules:
            here = (*path, "rule")
            text = f"expected a rule, received {spell(entry['rule'])}, {unknown(entry['rule'], rules)}"
            yield Problem(position=source.values[here], path=here, text=text)


def _known(source: Source) -> Iterable[Known]:
    for _, entry, place in _entries(source):
        yield Known(**entry, source=place)


def _waivers(source: Source, latest: date) -> tuple[Waiver, ...]:
    waivers, problems = [], []
    for path, entry, place in _entries(source):
        expires, wrong = _last_day(entry["expires"], latest)
        if wrong:
            here = (*path, "expires")
            problems.append(Problem(position=source.values[here], path=here, text=wrong))
        waivers.append(Waiver(**(entry | {"expires": expires}), source=place))
    _refuse(source, problems)
    return tuple(waivers)


def _last_day(text: str, latest: date) -> tuple[date, str]:
    try:
        expires = date.fromisoformat(text)
    except ValueError:
        return latest, f"expected a day of the calendar, received {spell(text)}"
    if expires > latest:
        limit = f"expected a day up to {latest}, as the policy's `waivers.max_days` says"
        return expires, f"{limit}, received {spell(text)}"
    return expires, ""
