"""Words that all pages of the sandbox use."""

import time


def ago(at: float) -> str:
    """How long ago a moment (seconds since the epoch) was."""
    seconds = max(0, int(time.time() - at))
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3_600 else f"{seconds // 3_600} h ago"
