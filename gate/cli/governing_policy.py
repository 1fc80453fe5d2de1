"""By which policy, waivers and baseline a run is judged: by those that the change under judgement cannot touch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gate.cli.clock import today
from gate.cli.registry import all_rules, load_policy
from gate.cli.selecting import Selected
from gate.cli.terminal import is_ci
from gate.core.errors import UsageError
from gate.core.fence import inside
from gate.discover.tree import Tree
from gate.pipeline import parameter_files
from gate.policy.loader import DISCOVERED, policy_path
from gate.policy.model import Policy
from gate.policy.store import Store, WorkingTree
from gate.policy.waivers import loader as waivers_loader
from gate.policy.waivers.loader import BASELINE, WAIVERS, Files
from gate.policy.waivers.model import Exemptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user says of who judges.

    Attributes:
        policy: File or built-in name; None for the repository's own.
        origin: "base", "head", a folder, or a policy file; None for the base where there is one, and in CI "base".
        waivers: File; None for the usual place.
        baseline: File; None for the usual place.
        meta: Meta-model that judges, too; None for the policy's.
    """

    policy: str | None = None
    origin: str | None = None
    waivers: str | None = None
    baseline: str | None = None
    meta: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoverningPolicy:
    """Who judges, where the files lie that the policy names, and what a reader should know of it."""

    policy: Policy
    exemptions: Exemptions
    store: Store
    root: Path
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PolicyLoader:
    """Where policies are read: what is wanted, the folder that relative names start from, the day."""

    wanted: Wanted
    root: Path
    environ: Mapping[str, str]
    fence: Path | None = None
    vouched: tuple[Path, ...] = ()

    def here(self) -> WorkingTree:
        """Return the files that lie here; with a base they are the change's, and it may have put links among them."""
        return WorkingTree(root=self.root, fence=self.fence, own=self.vouched)

    def policy(self, store: Store) -> Policy:
        return self._asked(load_policy(self.wanted.policy, self.root, store))

    def default(self) -> Policy:
        return self._asked(load_policy("default", self.root))

    def _asked(self, policy: Policy) -> Policy:
        return policy if self.wanted.meta is None else policy.with_meta_model(self.wanted.meta)

    def files(self, store: Store) -> Files:
        waivers = self._named("--waivers", self.wanted.waivers, WAIVERS, store)
        return Files(
            waivers=waivers,
            baseline=self._named("--baseline", self.wanted.baseline, BASELINE, store),
            store=store,
        )

    def _named(self, option: str, name: str | None, usual: str, store: Store) -> Path:
        if name is None:
            return self.root / usual
        if not store.holds(self.root / name) and not self.here().holds(self.root / name):
            raise UsageError(f"{option}: {name} does not exist.", hint=f"Leave it out for {usual}.")
        return self.root / name

    def exemptions(self, store: Store, policy: Policy) -> Exemptions:
        rules = frozenset(rule.id for rule in all_rules())
        return waivers_loader.load(self.files(store), rules, today(self.environ), policy.waivers.max_days)

    def governing(self) -> GoverningPolicy:
        """Return what governs by the files that lie here."""
        here = self.here()
        policy = self.policy(here)
        exemptions = self.exemptions(here, policy)
        return GoverningPolicy(
            policy=policy, exemptions=exemptions, store=self.closed(here, policy), root=self.root
        )

    def closed(self, here: WorkingTree, policy: Policy) -> WorkingTree:
        """Return who reads what a policy that lies here names: of a change's policy nothing beyond the repository."""
        if self.fence is None or not any(here.is_fenced(file) for file in policy.files):
            return here
        meta = self.root / self.wanted.meta if self.wanted.meta else None
        is_users = meta is not None and inside(meta, self.fence) is None
        own = (*self.vouched, Path(os.path.normpath(meta))) if meta and is_users else self.vouched
        return replace(here, is_closed=True, own=own)


def governing_policy(
    wanted: Wanted, selected: Selected, root: Path, environ: Mapping[str, str]
) -> GoverningPolicy:
    """Return who judges a run.

    With a base, policy, waivers and baseline are those of the base: a change must not loosen what judges it. Where
    the change touches them, its own are checked, too, and a notice says so. A base without a policy lets the change
    bring the first one, but not where CI runs the gate.

    Args:
        wanted: The user's word.
        selected: What is scanned, and the base.
        root: Folder that relative names start from.
        environ: Environment, for the day and for git.

    Raises:
        UsageError: What is wanted is not there.
        PolicyError: A policy, waiver file or baseline is invalid.
    """
    loader = _loader(wanted, root, environ, selected.tree)
    if selected.selection.failure:
        # Nothing is judged, and a commit that is not known holds no policy.
        none = Exemptions(today=today(environ))
        return GoverningPolicy(
            policy=loader.default(), exemptions=none, store=WorkingTree(root=root), root=root
        )
    if wanted.origin == "base" and selected.tree is None:
        raise UsageError("--policy-from base: there is no base.", hint="Name it with --diff BASE.")
    if selected.tree is None or loader.wanted.origin == "head":
        return loader.governing()
    if loader.wanted.origin is None and is_ci(environ):
        # The change decides what CI runs on it; nobody looks at the first policy that it brings.
        loader = replace(loader, wanted=replace(loader.wanted, origin="base"))
    return _of_base(loader, selected.tree)


def _loader(wanted: Wanted, root: Path, environ: Mapping[str, str], tree: Tree | None) -> _PolicyLoader:
    fence = tree.base.top if tree else None
    if wanted.origin in (None, "base", "head"):
        return _PolicyLoader(wanted=wanted, root=root, environ=environ, fence=fence)
    place = root / str(wanted.origin)
    if place.is_dir():
        wanted = replace(wanted, origin="head")
        vouched = (Path(os.path.normpath(place)),) if _is_another_checkout(place, fence) else ()
        return _PolicyLoader(wanted=wanted, root=place, environ=environ, fence=fence, vouched=vouched)
    if not place.is_file():
        raise UsageError(
            f"--policy-from: expected base, head, a folder or a policy file, received {wanted.origin!r}.",
            hint="Such as a checkout of the base branch.",
        )
    if wanted.policy is not None:
        raise UsageError(
            "--policy-from and --policy name two policies.",
            hint="Give --policy-from a folder, or leave one out.",
        )
    wanted = replace(wanted, policy=str(place), origin="head")
    return _PolicyLoader(wanted=wanted, root=root, environ=environ, fence=fence)


def _is_another_checkout(folder: Path, fence: Path | None) -> bool:
    """Return whether a folder is none of the change's: no commit holds a `.git`."""
    relative = None if fence is None else inside(folder, fence)
    return relative is None or (relative != Path() and (folder / ".git").exists())


def _of_base(loader: _PolicyLoader, tree: Tree) -> GoverningPolicy:
    policy, store, notice = _policy_of_base(loader, tree)
    exemptions = loader.exemptions(tree, policy)
    touched = tree.touched(_governing(loader, policy, tree))
    notices = [notice] if notice else []
    if touched:
        notices.append(_says_so(touched, loader.governing(), policy, tree))
    return GoverningPolicy(
        policy=policy, exemptions=exemptions, store=store, root=loader.root, notices=tuple(notices)
    )


def _policy_of_base(loader: _PolicyLoader, tree: Tree) -> tuple[Policy, Store, str]:
    here = loader.here()
    theirs = policy_path(loader.wanted.policy, loader.root, tree)
    ours = policy_path(loader.wanted.policy, loader.root, here)
    is_new = ours is not None and here.holds(ours) and not (theirs is not None and tree.holds(theirs))
    if not is_new:
        return loader.policy(tree), tree, ""
    policy = loader.policy(here)
    lack = f"{tree.base} holds no policy"
    if loader.wanted.origin == "base":
        return (
            loader.default(),
            tree,
            f"{lack}: the built-in one judges, and {policy.source} counts once it is merged.",
        )
    return (
        policy,
        loader.closed(here, policy),
        f"{lack}: {policy.source} judges the change that it comes with. Use `--policy-from base` in CI.",
    )


def _governing(loader: _PolicyLoader, policy: Policy, tree: Tree) -> list[Path]:
    """Return every file that decides by what a run is judged."""
    named = loader.wanted.policy
    usual = [loader.root / name for name in DISCOVERED] if named is None else [loader.root / named]
    files = loader.files(tree)
    attached_files = [loader.root / name for name in parameter_files.named(policy)]
    return [*usual, *policy.files, *attached_files, files.waivers, files.baseline]


def _says_so(touched: tuple[str, ...], theirs: GoverningPolicy, policy: Policy, tree: Tree) -> str:
    own = theirs.policy.stamp.sha256
    is_same = own == policy.stamp.sha256
    return (
        f"The change touches {', '.join(touched)}, which counts once it is merged"
        + ("" if is_same else f" (then the policy's sha256 is {own[:12]})")
        + f". Until then {policy.source} (sha256 {policy.stamp.sha256[:12]}) and the waivers of {tree.base.short} judge."
    )
