"""What a run is about: the files that may be models, and those that cannot be scanned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gate.core import incomplete_rules
from gate.core.report import Gap
from gate.discover.pointers import DvcOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may be a model, not read yet.

    Attributes:
        path: Name to show, relative to the root where possible, with forward slashes.
        file: Where it lies in the working tree.
        blob: Git object that holds the content; "" if `file` does.
        tracked: What DVC says the content must be; None if DVC does not track it.
        committed: Git object that the index holds for `file`, "" where it was edited since; None if git was not asked.
        base: Git object that lies under this path at the commit that is compared with; "" if there is none.
        is_unpacked: Whether these are the weights of a model that Keras saved as a directory; then it is not scanned.
        reason: Why it is selected, such as "changed since main (1a2b3c4d5e6f)".
    """

    path: str
    file: Path
    blob: str = ""
    tracked: DvcOutput | None = None
    committed: str | None = None
    base: str = ""
    is_unpacked: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The models of a run, and what could not be selected.

    Attributes:
        candidates: Sorted by path, each path once, none that has a gap.
        gaps: (path, why it will not be scanned), sorted by path, each path once.
        notices: Remarks on the selection as a whole.
        failure: Why nobody can say which models the run is about; None if the above says it.
    """

    candidates: tuple[Candidate, ...] = ()
    gaps: tuple[tuple[str, Gap], ...] = ()
    notices: tuple[str, ...] = ()
    failure: Gap | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a model nor a gap."""
        return not self.candidates and not self.gaps


def merge(selections: Iterable[Selection]) -> Selection:
    """Return one selection of all, each path once.

    A gap wins over a candidate. Where both git and DVC hold a file, git's content must be what DVC says;
    where two files of DVC claim one, neither may hide the other.
    """
    parts = tuple(selections)
    gaps = {path: gap for part in parts for path, gap in part.gaps}
    candidates: dict[str, Candidate] = {}
    for candidate in (candidate for part in parts for candidate in part.candidates):
        known = candidates.get(candidate.path, candidate)
        tracked, claim = known.tracked or candidate.tracked, candidate.tracked or known.tracked
        if tracked and claim and tracked.md5 != claim.md5:
            gaps[candidate.path] = _contested(candidate.path, tracked, claim)
        candidates[candidate.path] = replace(
            known,
            blob=known.blob or candidate.blob,
            base=known.base or candidate.base,
            tracked=tracked,
            is_unpacked=known.is_unpacked or candidate.is_unpacked,
        )
    return Selection(
        candidates=tuple(candidates[path] for path in sorted(candidates.keys() - gaps.keys())),
        gaps=tuple(sorted(gaps.items(), key=lambda item: item[0])),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
        failure=next((part.failure for part in parts if part.failure), None),
    )


def because(selection: Selection, reason: str) -> Selection:
    """Return the selection with a reason for every model that has none yet."""
    candidates = tuple(replace(each, reason=each.reason or reason) for each in selection.candidates)
    return replace(selection, candidates=candidates)


# What nobody can know without fetching everything that a repository keeps elsewhere, pictures and archives too.
UNKNOWN_POINTERS = Selection(
    notices=(
        "Some files are Git LFS pointers whose names say nothing and whose content is not here, so it is not known "
        "whether they hold models: `git lfs pull` fetches it.",
    )
)


def _contested(path: str, one: DvcOutput, other: DvcOutput) -> Gap:
    return Gap(
        rule=incomplete_rules.UNREADABLE.id,
        message=f"{path}: {one.pointer} and {other.pointer} both claim this file, with different digests, so it is "
        "not settled which model is meant. Remove one of the two.",
    )
