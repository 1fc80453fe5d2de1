"""Find a policy file, check it and everything it extends, and resolve them into one policy."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from gate.core.errors import PolicyError
from gate.core.shipped import folder
from gate.policy.check import check, unknown
from gate.policy.document import FileDocument, merge
from gate.policy.model import Override, PathPolicy, Policy, Profile, WaiverTerms
from gate.policy.problems import Problem, Refusal, spell
from gate.policy.schema import Known, Schema, schema
from gate.policy.store import Store, WorkingTree
from gate.policy.yaml_source import Source, read

BUILT_IN = ("default", "strict", "paper", "research")
DISCOVERED = (".backdoor-gate.yaml", ".backdoor-gate.yml", ".github/backdoor-gate.yaml")

_PATH_HINT = "A file is told from a built-in policy by a slash or a suffix: './name' or 'name.yaml'."

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A policy file: where it is, what messages and reports call it, and who reads it."""

    path: Path
    label: str
    store: Store


def builtin_directory() -> Path:
    """Return the folder of the built-in policies: in the package if installed, beside it in a checkout."""
    return folder("policies", "policies")


def load(source: str | None, known: Known, builtin: Path, root: Path, store: Store | None = None) -> Policy:
    """Return the resolved policy.

    Args:
        source: Name of a built-in policy; or a path, told by a slash or a suffix, relative to `root`;
            None takes the policy that `root` holds, or else the built-in default.
        known: Detector id -> parameter name -> its type.
        builtin: Folder of the built-in policies, see `builtin_directory`.
        root: Of the repository.
        store: Who reads the repository's files, also those that a policy extends; None for the working tree.

    Raises:
        PolicyError: No such policy, or a list of all that is wrong with the file.
    """
    reader = store or WorkingTree(root=root)
    place = _discover(builtin, root, reader) if source is None else _named(source, builtin, root, reader)
    layers = _layers(place, schema(known), builtin)
    policy = _policy(_stack(content for _, content in layers), place.label)
    return replace(policy, files=tuple(layer.path for layer, _ in layers if layer.store is reader))


def policy_path(source: str | None, root: Path, store: Store) -> Path | None:
    """Return the file that `load` would begin with; None if that is a built-in policy."""
    if source is not None:
        return root / source if _is_path(source) else None
    return next((root / name for name in DISCOVERED if store.holds(root / name)), None)


def _discover(builtin: Path, root: Path, store: Store) -> _Place:
    # What the store holds, not what can be read: a dangling link is a policy that cannot be read, not the
    # absence of one.
    found = [name for name in DISCOVERED if store.holds(root / name)]
    if len(found) > 1:
        # Taking the first would let a new file silently outrank one that code owners guard.
        message = f"{found[1]}:1:1: expected one policy, received a second one beside {found[0]}"
        raise PolicyError(message, hint="Keep one of them, or name it with `--policy`.")
    return _file(found[0], root, store) if found else _built_in("default", builtin)


def _named(name: str, builtin: Path, root: Path, store: Store) -> _Place:
    if _is_path(name):
        return _file(name, root, store)
    if name not in BUILT_IN:
        raise PolicyError(f"--policy: {_not_built_in(name)}", hint=_PATH_HINT)
    return _built_in(name, builtin)


def _layers(place: _Place, rules: Schema, builtin: Path) -> list[tuple[_Place, Document]]:
    """Return the policy with its content after all that it extends, the outermost base first."""
    layers: list[tuple[_Place, Document]] = []
    seen: set[str] = set()
    upper: _Place | None = place
    while upper:
        # What a policy extends is named by a file, and not by the user.
        source = read(
            upper.path, upper.label, upper.store, may_quote=not layers and upper.store.quotes(upper.path)
        )
        check(source, rules)
        seen.add(os.path.realpath(upper.path))
        layers.insert(0, (upper, cast("Document", source.value)))
        upper = _base(source, upper, seen, builtin)
    return layers


def _base(source: Source, place: _Place, seen: Set[str], builtin: Path) -> _Place | None:
    name = cast("FileDocument", source.value).get("extends")
    if name is None:
        # A policy says how it differs: one that extends nothing would leave out whatever it forgets.
        default = _built_in("default", builtin)
        return None if os.path.realpath(default.path) in seen else default
    if not _is_path(name) and name not in BUILT_IN:
        raise _bad_base(source, _not_built_in(name))
    base = _file(name, place.path.parent, place.store) if _is_path(name) else _built_in(name, builtin)
    if base.store.leads_out(place.path, base.path):
        text = f"expected a policy file, received {spell(name)}, which is outside of the repository"
        raise _bad_base(source, text)
    if not base.store.holds(base.path):
        raise _bad_base(source, f"expected a policy file, received {spell(name)}, which does not exist")
    if os.path.realpath(base.path) in seen:
        raise _bad_base(
            source, f"expected a policy that does not lead back to itself, received {spell(name)}"
        )
    return base


def _stack(layers: Iterable[Document]) -> Document:
    stacked: dict[str, object] = {}
    for layer in layers:
        paths = [*_paths(stacked), *_paths(layer)]
        stacked = merge(stacked, layer) | {"paths": paths}
    return stacked


def _policy(document: Document, source: str) -> Policy:
    whole = cast("FileDocument", document)
    profile = whole.get("profile")
    return Policy(
        source=source,
        profile=None if profile is None else Profile(profile),
        exclude=tuple(whole.get("exclude", ())),
        waivers=WaiverTerms(**whole.get("waivers", {})),
        settings=PathPolicy.from_document(document),
        overrides=tuple(_override(entry) for entry in _paths(document)),
    )


def _override(entry: Document) -> Override:
    settings = {key: value for key, value in entry.items() if key not in ("match", "reason")}
    return Override(
        match=str(entry["match"]),
        reason=str(entry.get("reason", "")),
        settings=json.dumps(settings),
    )


def _paths(document: Document) -> list[dict[str, object]]:
    return cast("FileDocument", document).get("paths", [])


def _is_path(name: str) -> bool:
    return "/" in name or Path(name).suffix != ""


def _file(name: str, folder: Path, store: Store) -> _Place:
    return _Place(path=folder / name, label=store.label(folder / name), store=store)


def _built_in(name: str, builtin: Path) -> _Place:
    return _Place(path=builtin / f"{name}.yaml", label=f"built-in {name}", store=WorkingTree(root=builtin))


def _not_built_in(name: str) -> str:
    return f"expected a built-in policy or a file, received {spell(name)}, {unknown(name, BUILT_IN)}"


def _bad_base(source: Source, text: str) -> PolicyError:
    problem = Problem(position=source.values[("extends",)], path=("extends",), text=text)
    return Refusal(source.label, [problem], hint=_PATH_HINT)
