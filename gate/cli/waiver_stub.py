"""A waiver to fill in, for those who would rather write it than run `backdoor-gate waive`."""

from __future__ import annotations

import json

from gate.core.artifact import Artifact


def stub(rule: str, artifact: Artifact) -> str:
    """Return an entry for the list `waivers`; it is refused until a person has filled in the last three lines."""
    return (
        f"- rule: {_text(rule)}\n"
        f"  path: {_text(artifact.path)}\n"
        f'  digest: "sha256:{artifact.sha256}"\n'
        '  reason: ""   # why it is acceptable\n'
        '  owner: ""    # who answers for it\n'
        '  expires: ""  # last day that it counts, YYYY-MM-DD'
    )


def _text(value: str) -> str:
    """Return a text as JSON, which is YAML, too; GitHub's runner would obey `##[` in a log."""
    return json.dumps(value).replace("##[", "##\\u005b")
