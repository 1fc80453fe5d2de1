"""What a run is asked to do, and which models that comes to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.cache.verdicts import VerdictCache
from gate.core.job import DataCall
from gate.core.report import Gap
from gate.discover.selection import Candidate, Selection
from gate.policy.model import Policy
from gate.policy.store import Store
from gate.policy.waivers.model import Exemptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run.

    Attributes:
        selection: What to scan.
        policy: Who judges.
        root: Folder that relative paths of the policy and of `data` start from.
        store: Where the files are read that the policy's detectors name: as trusted as the policy itself.
        store_root: Folder that their names start from.
        environ: Environment of the parent, for git and for what the child may see of it.
        profile: "quick" or "full".
        seed: Of every random choice.
        jobs: Models scanned at the same time.
        budget: Seconds that one model's scan should take; wins over the policy. None for what the policy says.
        shard: (i, n): only every n-th model, beginning with the i-th, 1 <= i <= n.
        input_range: Stated by the user; wins over the policy.
        data: Stated by the user; wins over the policy.
        is_static: Whether static checks are all that is asked for.
        require_sandbox: Whether a scan that cannot be locked in is refused.
        exemptions: Waivers and baseline; None for none.
        cache: Where scans are looked up and kept; None to scan anew and keep nothing.
    """

    selection: Selection
    policy: Policy
    root: Path
    store: Store
    store_root: Path
    environ: Mapping[str, str]
    profile: str
    seed: int = 0
    jobs: int = 1
    budget: float | None = None
    shard: tuple[int, int] = (1, 1)
    input_range: tuple[float, float] | None = None
    data: DataCall | None = None
    is_static: bool = False
    require_sandbox: bool = False
    exemptions: Exemptions | None = None
    cache: VerdictCache | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run scans.

    Attributes:
        candidates: The models.
        gaps: (path, why it will not be scanned).
        excluded: Paths that the policy keeps the gate away from, models and pointers alike; sorted.
        digest: Of the names of all models and gaps of the run, whatever the shard: 12 hex digits.
    """

    candidates: tuple[Candidate, ...]
    gaps: tuple[tuple[str, Gap], ...]
    excluded: tuple[str, ...]
    digest: str


def plan(request: Request) -> Plan:
    """Return what a run would scan; of a shard, its share."""
    is_excluded = request.policy.is_excluded
    selection = request.selection
    first, step = request.shard
    candidates = [each for each in selection.candidates if not is_excluded(each.path)]
    gaps = [(path, gap) for path, gap in selection.gaps if not is_excluded(path)]
    paths = (*(each.path for each in selection.candidates), *(path for path, _ in selection.gaps))
    return Plan(
        candidates=tuple(candidates[first - 1 :: step]),
        gaps=tuple(gaps[first - 1 :: step]),
        excluded=tuple(sorted(filter(is_excluded, paths))),
        digest=_digest([*(each.path for each in candidates), *(path for path, _ in gaps)]),
    )


def _digest(paths: list[str]) -> str:
    names = b"\0".join(path.encode("utf-8", "surrogateescape") for path in paths)
    return hashlib.sha256(names).hexdigest()[:12]
