"""Rules of the static checks: what a model file must not bring along."""

from __future__ import annotations

from gate.core.rule import Rule, Severity

EXECUTABLE_LAYER = Rule(
    id="BD201",
    name="executable-layer",
    summary="The model file carries code that would run when the model is loaded or called.",
    page="""\
## What it means
A `Lambda` layer stores Python bytecode in the model file; `TFSMLayer`, `TorchModuleWrapper`, `JaxLayer` and
`FlaxLayer` load foreign programs. Whoever loads such a model runs its author's code with their own rights. The gate
does not load the file.

## How to mend it
Replace the layer by built-in ones (`keras.layers.Rescaling`, `keras.ops` in a functional model) and save again.

## References
CVE-2024-3660, CVE-2025-1550, CVE-2025-9905; MITRE ATLAS AML.T0011.
""",
    severity=Severity.CRITICAL,
    cwe=(502, 94),
    atlas=("AML.T0018", "AML.T0011"),
)

CUSTOM_OBJECT = Rule(
    id="BD202",
    name="custom-object",
    summary="The model file names a class or module that is not part of Keras.",
    page="""\
## What it means
Keras imports the modules that a model file names. A pull request can bring a module of that name along, so loading
the model runs its code; and what a custom layer computes cannot be judged from the file. The gate does not load it.

## How to mend it
Save the model with built-in layers only, or export an equivalent one for the gate to scan.

## References
CVE-2025-1550; MITRE ATLAS AML.T0011.
""",
    severity=Severity.HIGH,
    cwe=(502, 829),
    atlas=("AML.T0011",),
)

RULES = (EXECUTABLE_LAYER, CUSTOM_OBJECT)
