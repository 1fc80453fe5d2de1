"""Why a model is not let through at deploy time."""

from __future__ import annotations

from gate.core.errors import GateError
from gate.core.report import ExitCode


class RefusedError(GateError):
    """The attestation speaks against the model, or not of it."""

    exit_code = ExitCode.FINDINGS


class UndecidedError(GateError):
    """Nobody can say whether the attestation speaks for the model."""

    exit_code = ExitCode.INCOMPLETE
