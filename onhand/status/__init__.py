"""Is everything all right? Everything is asked at once, and judged in `onhand.domain.problems`."""

from onhand.status.look import Doors, look

__all__ = ["Doors", "look"]
