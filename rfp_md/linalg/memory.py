"""How much memory there is, and refusing what cannot fit."""

from __future__ import annotations

import os
from pathlib import Path

from rfp_md.errors import UserError


def available_memory() -> int:
    """Bytes that this process may still use: free memory of the machine, or of its control group if less."""
    return min(_machine(), _control_group())


def require_memory(needed: int, remedy: str) -> None:
    """Raise UserError with the numbers if ``needed`` bytes are more than there are."""
    available = available_memory()
    if needed > available:
        raise UserError(f"the fit needs about {gigabytes(needed)}, but {gigabytes(available)} are available; {remedy}")


def gigabytes(size: int) -> str:
    """A number of bytes in words, as in 1.50 GB."""
    return f"{size / 1e9:.2f} GB"


def _machine() -> int:
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _control_group() -> int:
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()) != "max":
        return max(0, int(text) - int(used.read_text()))
    return 2**63
