"""Hosts as teams and policies name them: one host, or with `*.` in front all below one."""

from __future__ import annotations


def covers(pattern: str, host: str) -> bool:
    """Whether a host is the one that a pattern names, or lies below it: `*.example.com` is not its own."""
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
