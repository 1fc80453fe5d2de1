"""Exceptions from a policy: waivers that somebody answers for, and the baseline of what was there before."""
