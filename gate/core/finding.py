"""Evidence past the policy's threshold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gate.core.rule import Confidence, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason why a model fails the policy.

    Attributes:
        rule: Id of the rule.
        severity: How bad, as the policy sees it.
        confidence: How sure.
        message: What was found, with numbers; first sentence stands alone. May hold text from the file.
        detector: Who found it; "" for static checks.
        subject: What it is about inside the model (a class, a layer), stable between runs.
        remedy: What the reader can do next.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    detector: str = ""
    subject: str = ""
    remedy: str = ""

    def fingerprint(self, path: str) -> str:
        """Return 16 hex digits that stay the same while this problem stays in this file.

        Neither the score nor the digest is part of it: each retraining would otherwise open a new alert.
        """
        key = "\0".join((self.rule, path, self.subject))
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
