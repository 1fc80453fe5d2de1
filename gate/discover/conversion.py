"""Does git hand out the bytes that were committed? Attributes may change them on the way, and they come with the change.

With ``*.keras ident`` in .gitattributes, git writes a digest into the file as it checks it out; with ``eol`` or
``working-tree-encoding`` it rewrites more. What is scanned here is then not what was committed, nor what others get once the
attribute is gone. Git LFS is no such thing: the digest in its pointer says what the file must be.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from gate.core import incomplete_rules
from gate.core.artifact import Artifact
from gate.core.report import Gap
from gate.discover.git import blob_size
from gate.discover.pointers import LFS_MAX_BYTES, parse_lfs
from gate.discover.repository import git, line, top_of

_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
_SHA1_DIGITS = 40


def conversion(
    artifact: Artifact, copy: Path, file: Path, committed: str, root: Path, environ: Mapping[str, str]
) -> Gap | None:
    """Return why a file of the working tree does not say what was committed; None if it does.

    Args:
        artifact: What was read.
        copy: The content that will be scanned.
        file: Where it lay in the working tree.
        committed: Git object that the index holds for it; "" where the file was edited since.
        root: A directory of the repository.
        environ: Environment for git.

    Raises:
        IncompleteError: git failed.
    """
    raw = line(git(("hash-object", "--no-filters", "--", str(copy)), root, environ))
    if committed:
        is_same = committed == raw or _promises(committed, artifact, root, environ)
    else:
        is_same = _cleaned(copy, file, root, environ) in (raw, _pointer_to(artifact, len(raw)))
    return None if is_same else _gap(artifact.path)


def _promises(blob: str, artifact: Artifact, root: Path, environ: Mapping[str, str]) -> bool:
    """Return whether a blob is a Git LFS pointer to this content."""
    if blob_size(blob, root, environ) > LFS_MAX_BYTES:
        return False
    pointer = parse_lfs(git(("cat-file", "blob", blob), root, environ))
    return pointer is not None and pointer.oid == artifact.sha256


def _cleaned(copy: Path, file: Path, root: Path, environ: Mapping[str, str]) -> str:
    """Return the object that git would commit of this content under this name."""
    top = top_of(root, environ)
    return line(git(("hash-object", f"--path={os.path.relpath(file, top)}", "--", str(copy)), top, environ))


def _pointer_to(artifact: Artifact, digits: int) -> str:
    """Return the object of the Git LFS pointer to this content, in a repository whose objects have so many digits."""
    text = _POINTER.format(artifact.sha256, artifact.size).encode()
    algorithm = "sha1" if digits == _SHA1_DIGITS else "sha256"
    return hashlib.new(algorithm, f"blob {len(text)}\0".encode() + text, usedforsecurity=False).hexdigest()


def _gap(path: str) -> Gap:
    return Gap(
        rule=incomplete_rules.UNREADABLE.id,
        message=f"{path}: git changes the file between commit and checkout, so what lies here is not what was committed. "
        "Take the attribute away that does so (`git check-attr --all FILE`: ident, eol, text, working-tree-encoding, filter), "
        "or mark models as `-text -ident -working-tree-encoding` in .gitattributes.",
    )
