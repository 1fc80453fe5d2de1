"""How a scanning process was locked in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What the operating system refuses to a scanning process.

    Attributes:
        landlock_abi: Version of Landlock that guards files and TCP ports; 0 if nothing does.
        seccomp: Whether system calls are filtered.
        missing: What could not be had and why, such as "no Landlock (Linux before 5.13)"; empty if nothing is missing.
    """

    landlock_abi: int
    seccomp: bool
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        landlock = (f"landlock {self.landlock_abi}",) if self.landlock_abi else ()
        guards = ", ".join((*landlock, "seccomp") if self.seccomp else landlock)
        if not guards:
            return "none: " + "; ".join(self.missing)
        return "; ".join((guards, *self.missing))
