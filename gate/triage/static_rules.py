"""Rules of the static checks: what a model file must not bring along."""

from __future__ import annotations

from gate.core.rule import Rule, Severity

_ATLAS_USER_EXECUTION = "AML.T0011"

EXECUTABLE_LAYER = Rule(
    id="BD201",
    name="executable-layer",
    summary="The model file carries code that would run when the model is loaded or called.",
    page="""\
## What it means
A `Lambda` layer stores Python bytecode in the model file; `TFSMLayer`, `TorchModuleWrapper`, `JaxLayer` and
`FlaxLayer` load foreign programs. Bytecode and pickles can also stand in an activation, an initializer, a loss or a
metric. Whoever loads such a model runs its author's code with their own rights. The gate does not load the file.

## How to mend it
Replace the layer by built-in ones (`keras.layers.Rescaling`, `keras.ops` in a functional model) and save again.

## References
CVE-2024-3660, CVE-2025-1550, CVE-2025-9905; MITRE ATLAS AML.T0011.
""",
    severity=Severity.CRITICAL,
    cwe=(502, 94),
    atlas=("AML.T0018", _ATLAS_USER_EXECUTION),
)

CUSTOM_OBJECT = Rule(
    id="BD202",
    name="custom-object",
    summary="The model file names a class, function or module that is not part of a network of Keras.",
    page="""\
## What it means
Keras imports the modules that a model file names, and calls the functions that it names with the file's arguments. A
pull request can bring a module of that name along, so loading the model runs its code; and what a custom layer computes
cannot be judged from the file. The gate does not load it.

## How to mend it
Save the model with built-in layers only, or export an equivalent one for the gate to scan.

## References
CVE-2025-1550, CVE-2025-8747, CVE-2025-9906; MITRE ATLAS AML.T0011.
""",
    severity=Severity.HIGH,
    cwe=(502, 829),
    atlas=(_ATLAS_USER_EXECUTION,),
)

OUTSIDE_REFERENCE = Rule(
    id="BD203",
    name="outside-reference",
    summary="The model file points at data outside itself.",
    page="""\
## What it means
An HDF5 file can take a data set from another file (external link, external storage, virtual data set), and a layer can
read its vocabulary from a path or an address. Whoever loads the model reads that file with their own rights, and its
content ends up in the weights. What is not in the file was not scanned either. The gate follows none of it. Soft links
stay in the file, but Keras writes none, and they lead one reader elsewhere than another.

## How to mend it
Save the model again with `model.save('model.keras')`, which copies everything into one file.

## References
CVE-2026-1669, CVE-2025-12058, GHSA-27f4-p4xq-cxg8.
""",
    severity=Severity.CRITICAL,
    cwe=(73, 610),
)

PLUGIN_FILTER = Rule(
    id="BD204",
    name="plugin-filter",
    summary="An array is compressed by a filter that HDF5 would load as a library.",
    page="""\
## What it means
Keras writes arrays as they are, or with HDF5's own gzip, shuffle and checksum. For any other filter HDF5 searches the
machine for a library of that number and runs it: code that nobody has looked at.

## How to mend it
Save the model again with `model.save('model.keras')`.

## References
CVE-2026-2492.
""",
    severity=Severity.HIGH,
    cwe=(427, 829),
)

AMBIGUOUS_FILE = Rule(
    id="BD205",
    name="ambiguous-file",
    summary="The file can be read in two ways, so what was scanned need not be what runs.",
    page="""\
## What it means
It is an HDF5 file and a zip archive at once, has data in front of the model or behind it, holds two members or keys of
the same name, or its archive contradicts itself. Programs differ in which of the two they take: one for the scanner,
another for production. Keras writes no such file.

## How to mend it
Load the model where it is trusted and save it again. Find out which program, or who, made the file.
""",
    severity=Severity.HIGH,
    cwe=(436, 694),
)

UNSAFE_ARCHIVE = Rule(
    id="BD206",
    name="unsafe-archive",
    summary="The archive holds a member that is made to escape or to hide, or that is no part of a model.",
    page="""\
## What it means
A member's name leads out of the folder that it is unpacked to, is a link or a device, is encrypted, or is compressed in
a way that Keras cannot read. Unpacking it can overwrite files; and what cannot be read cannot be scanned. Or the member
is none that Keras writes: a script or a pickle that travels with the model to wherever it is unpacked.

## How to mend it
Save the model again with `model.save('model.keras')`.

## References
CVE-2025-12060, GHSA-hqp4-2352-xf5r.
""",
    severity=Severity.HIGH,
    cwe=(22, 59),
)

RESOURCE_BOMB = Rule(
    id="BD207",
    name="resource-bomb",
    summary="The file declares far more than it holds, so that loading it exhausts memory or time.",
    page="""\
## What it means
A few kilobytes unpack to gigabytes, an array declares more than the file stores, a layer is larger than any weight could
be, or the architecture is nested without end. The numbers stand in the file: nothing had to be unpacked to see it.

## How to mend it
Save the model again with `model.save('model.keras')`. If the file comes from someone else, ask what it is for.

## References
CVE-2026-0897; CWE-409.
""",
    severity=Severity.HIGH,
    cwe=(409, 400, 674),
    atlas=("AML.T0029",),
)

NON_FINITE_WEIGHTS = Rule(
    id="BD208",
    name="non-finite-weights",
    summary="Some weights are NaN, infinite, or beyond what 32 bits hold.",
    page="""\
## What it means
Every score of such a network would be NaN, and NaN is never greater than a threshold: a scanner that compares would let
it pass. A network that was trained to an end has finite weights.

## How to mend it
Train the model again, or find out who changed the file.
""",
    severity=Severity.HIGH,
    cwe=(1284,),
)

DANGEROUS_OPERATION = Rule(
    id="BD209",
    name="dangerous-operation",
    summary="The TensorFlow graph holds an operation that touches files, libraries, network or Python.",
    page="""\
## What it means
A SavedModel is a program. Its operations can read and write files, load libraries, open connections and call Python, and
some of them run as soon as it is loaded. A classifier computes; it needs none of that.

## Known limits
Operations that save and restore weights read and write files by design; they are expected in the functions that
TensorFlow makes for it, which a stranger can imitate. SavedModels are never scanned for backdoors, nor let through.

## How to mend it
Save the model in the Keras format: `model.save('model.keras')`.
""",
    severity=Severity.CRITICAL,
    cwe=(94, 73),
    atlas=(_ATLAS_USER_EXECUTION,),
)

TWO_NETWORKS = Rule(
    id="BD210",
    name="two-networks",
    summary="Keras builds another network from this file than the file's text says.",
    page="""\
## What it means
Before a network is searched, the gate builds it twice: by its own allow-list from the file's text, and by Keras' own loader
in a locked process. Both are compared: every layer's class, options, activation function, precision, weights and calls, and the
answers to fixed images, in one batch and one by one. They differ here. So a reader of the file, or another loader, sees one
network, and whoever runs Keras gets another: a clean one can hide a backdoored one.

## How to mend it
Find out which program, or who, made the file. Where it is trusted, load it with the Keras that made it, compare its accuracy,
and save it again: `model.save('model.keras')`.

## Known limits
What an earlier or later version of Keras, or another framework, makes of the file is not known. Files of Keras 1 and 2 that
Keras 3 cannot load are judged by what the gate rebuilds; the report says so (`loaded_by_keras`).
""",
    severity=Severity.CRITICAL,
    cwe=(436, 506),
    atlas=("AML.T0018",),
)

# What the static checks find.
STATIC = (
    EXECUTABLE_LAYER,
    CUSTOM_OBJECT,
    OUTSIDE_REFERENCE,
    PLUGIN_FILTER,
    AMBIGUOUS_FILE,
    UNSAFE_ARCHIVE,
    RESOURCE_BOMB,
    NON_FINITE_WEIGHTS,
    DANGEROUS_OPERATION,
)
RULES = (*STATIC, TWO_NETWORKS)
