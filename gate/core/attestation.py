"""The words of a verification summary (https://slsa.dev/verification_summary/v1), for who writes it and who checks it."""

from __future__ import annotations

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:backdoor-gate"
PASSED, FAILED = "PASSED", "FAILED"
# How thorough the scan was, least first, and what `verifiedLevels` calls it.
LEVELS = {
    "static": "BACKDOOR_GATE_STATIC",
    "quick": "BACKDOOR_GATE_QUICK",
    "full": "BACKDOOR_GATE_FULL",
}
