"""Files that parameters of detectors name: the gate reads them, for the process that scans cannot."""

from __future__ import annotations

import json
from pathlib import Path

from gate.core.errors import UsageError
from gate.core.text import printable
from gate.policy.model import DetectorPolicy, PathPolicy, Policy
from gate.policy.store import Store

_META = ("meta-neural-analysis", "model")


def parameters(detector: DetectorPolicy, root: Path, store: Store) -> str:
    """Return a detector's parameters as JSON; for the name of a meta-model's file, what is in it.

    So the cache of verdicts notices that the file has changed.

    Args:
        detector: As the policy has it.
        root: Folder that relative names start from.
        store: Where the file is read: a change must not bring the judge of its own models.

    Raises:
        UsageError: The file is not there, or holds no meta-model.
    """
    given = dict(detector.parameters)
    name = _file_of(detector)
    if name:
        given[_META[1]] = _meta_model(name, root, store)
    return json.dumps(given)


def named(policy: Policy) -> tuple[str, ...]:
    """Return the names of the files that the policy's parameters name, whatever the path of a model."""
    branches = (PathPolicy.from_document(json.loads(override.settings)) for override in policy.overrides)
    detectors = (detector for settings in (policy.settings, *branches) for detector in settings.detectors)
    return tuple(dict.fromkeys(name for name in map(_file_of, detectors) if name))


def _file_of(detector: DetectorPolicy) -> str:
    name = dict(detector.parameters).get(_META[1]) if detector.id == _META[0] else None
    return name if isinstance(name, str) else ""


def _meta_model(name: str, root: Path, store: Store) -> str:
    from gate.detectors.meta.model import LARGEST_FILE, parse

    try:
        content = store.read(root / name, LARGEST_FILE)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{printable(name)}: the meta-model cannot be read: {why}.",
            hint="Name the meta.json that `backdoor-gate meta train` wrote.",
        ) from error
    return parse(content.decode("utf-8", "replace"), name).dump()
