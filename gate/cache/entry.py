"""One entry of the cache: a scan, sealed with a secret, so that nobody else can write one."""

from __future__ import annotations

import hashlib
import hmac
import json

from gate.core.codec import from_plain, to_plain
from gate.core.scan import Scan

# As much as a scanning process may send.
LARGEST = 16 * 1024 * 1024
_PURPOSE = b"backdoor-gate verdict 1\n"
_SEAL = hashlib.sha256().digest_size * 2


def seal(scan: Scan, key: str, secret: bytes) -> bytes:
    """Return an entry: the seal in hex digits, a line break, the scan as JSON."""
    body = json.dumps(to_plain(scan), allow_nan=False, separators=(",", ":")).encode("ascii")
    return _seal(body, key, secret) + b"\n" + body


def is_authentic(content: bytes, key: str, secret: bytes) -> bool:
    """Return whether whoever wrote an entry had the secret, and wrote it for this key."""
    return hmac.compare_digest(content[:_SEAL], _seal(content[_SEAL + 1 :], key, secret))


def unseal(content: bytes, key: str, secret: bytes) -> Scan:
    """Return the scan in an entry. Nothing of it is parsed before its seal is checked.

    Raises:
        ValueError: It is too large, sealed with another secret or for another key, or no scan.
    """
    if len(content) > LARGEST:
        raise ValueError(f"is larger than {LARGEST} bytes")
    if not is_authentic(content, key, secret):
        raise ValueError("was changed, or sealed with another key (BACKDOOR_GATE_CACHE_KEY)")
    return from_plain(Scan, json.loads(content[_SEAL + 1 :]))


def _seal(body: bytes, key: str, secret: bytes) -> bytes:
    return (
        hmac.new(secret, _PURPOSE + key.encode("ascii") + b"\n" + body, hashlib.sha256).hexdigest().encode()
    )
