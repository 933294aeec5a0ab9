"""What the platform remembers of idempotency keys: 24 hours, the content, and how it ended."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

KEPT_SECONDS = 24 * 3_600
KEYS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """The first use of a key. `answer` is None when that attempt failed."""

    at: float
    content: bytes
    answer: Any


class Keys:
    """The keys a shop has seen."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, Remembered] = OrderedDict()

    def find(self, key: str) -> Remembered | None:
        """The first use of this key, if it is not forgotten yet."""
        oldest = self._clock() - KEPT_SECONDS
        while self._seen and (len(self._seen) > KEYS_MAX or next(iter(self._seen.values())).at < oldest):
            self._seen.popitem(last=False)
        return self._seen.get(key)

    def remember(self, key: str, content: bytes, answer: Any) -> None:
        """Note how the first use of a key ended."""
        self._seen[key] = Remembered(self._clock(), content, answer)


def fingerprint(name: str, arguments: dict[str, Any]) -> bytes:
    """The same for equal parameters, whatever the order of their fields."""
    return blake2b(
        name.encode() + orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).digest()
