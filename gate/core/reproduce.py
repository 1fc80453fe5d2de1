"""The command that repeats a scan, ready to paste into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from gate.core.report import ArtifactReport, ScanReport
from gate.core.text import printable

_BUILT_IN = "built-in "


def command(report: ScanReport, entries: Iterable[ArtifactReport]) -> str:
    """Return the `backdoor-gate check` that scans these models again as this run did.

    What the report does not hold, the place of a data set, is left to the reader.
    """
    models = sorted(entries, key=lambda entry: entry.artifact.path)
    words = ["backdoor-gate", "check", "--policy", report.policy.source.removeprefix(_BUILT_IN)]
    words += ["--static"] if report.profile == "static" else ["--profile", report.profile]
    words += ["--seed", str(report.seed)]
    words += [f"--input-range={low:g},{high:g}" for low, high in _stated_ranges(models)]
    # After `--` no file name is read as an option.
    return " ".join(quoted(word) for word in [*words, "--", *(entry.artifact.path for entry in models)])


def _stated_ranges(entries: Iterable[ArtifactReport]) -> list[tuple[float, float]]:
    told = (entry.model for entry in entries if entry.model)
    return sorted({model.input_range for model in told if model.input_range_source == "option"})


def quoted(word: str) -> str:
    r"""Return a word of a command for bash and zsh; hidden characters are spelled out, as in ``$'\x1b'``."""
    if printable(word, len(word)) == word:
        return shlex.quote(word)
    return f"$'{''.join(map(_spelled, word))}'"


def _spelled(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if printable(char) == char:
        return char
    is_raw_byte = "\udc80" <= char <= "\udcff"  # how Python holds a byte of a path that is no UTF-8
    code = char.encode("utf-8", "surrogateescape" if is_raw_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in code)
