"""Rules for scans that could not be completed: the model is not blamed, and it does not pass."""

from __future__ import annotations

from gate.core.rule import Rule, Severity


def _stop(number: str, name: str, summary: str, why: str, remedy: str) -> Rule:
    page = f"## What it means\n\n{summary} {why}\n\n## How to mend it\n\n{remedy}\n"
    return Rule(id=number, name=name, summary=summary, page=page, severity=Severity.MEDIUM, stops=True)


UNREADABLE = _stop(
    "BD001",
    "unreadable-model",
    "The file is not a Keras model that can be read.",
    "It is empty, truncated, of another kind than its name says, holds weights only, or may not be opened. "
    "What cannot be read cannot be cleared, so the gate stops here.",
    "Save the whole model again with `model.save('model.keras')`, or exclude the path in the policy if it is no model.",
)
MISSING_OBJECT = _stop(
    "BD002",
    "missing-object",
    "The file is a pointer; the model it stands for is not here.",
    "Git LFS and DVC keep large files elsewhere and commit a few lines of text in their place.",
    "Fetch it before the gate runs: `git lfs pull` (in GitHub's checkout action: `lfs: true`) or `dvc pull`.",
)
UNSUPPORTED = _stop(
    "BD003",
    "unsupported-model",
    "The model is not an image classifier that the gate can scan.",
    "Supported are models with one image input (height x width x 1 or 3 channels) and one output: a softmax or logits of at "
    "least two classes, or one sigmoid for two classes.",
    "Exclude the path in the policy, or state there that an incomplete scan of it is tolerated, with a reason.",
)
SCAN_FAILED = _stop(
    "BD004",
    "failed-scan",
    "The scan of this model did not finish.",
    "It crashed, ran out of time or memory, or a detector failed. A hostile file can cause this on purpose.",
    "Run it again with `-v`; raise `limits` in the policy if the model is simply large.",
)
INCONCLUSIVE = _stop(
    "BD005",
    "inconclusive-evidence",
    "The detectors ran, but what they measured cannot clear the model.",
    "Too few classes gave a trigger, or the input range is not known.",
    "State `--input-range LOW,HIGH`, give images with `--data`, or use `--profile full`.",
)
MISSING_ENGINE = _stop(
    "BD006",
    "missing-engine",
    "The scanning engine is not installed.",
    "The base install is light and can only check files statically; the detectors need TensorFlow.",
    "`pip install '.[scan]'` in a checkout of the gate",
)
MISSING_SANDBOX = _stop(
    "BD007",
    "missing-sandbox",
    "The scanning process cannot be locked in, and the run requires that it is.",
    "Landlock and seccomp keep a model that breaks into the scanner away from files, network and other processes. "
    "Where the environment variable CI is set they are required: the file comes from a stranger, the secrets are near.",
    "Run the gate on Linux 5.13 or later, x86-64 or aarch64, with Landlock switched on (`/sys/kernel/security/lsm`); "
    "in a container, with a runtime that lets both through. Where you trust the models: `--no-require-sandbox`.",
)

STOPS = (
    UNREADABLE,
    MISSING_OBJECT,
    UNSUPPORTED,
    SCAN_FAILED,
    INCONCLUSIVE,
    MISSING_ENGINE,
    MISSING_SANDBOX,
)
