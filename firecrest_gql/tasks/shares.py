"""How many of a worker's places the tasks of one user take at once: those of others find one that is free."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Shares:
    """Places by user, `size` for each."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, subject: str) -> Iterator[bool]:
        """Hold a place; False where the user has taken all of the share."""
        if self._taken[subject] >= self._size:
            yield False
            return
        self._taken[subject] += 1
        try:
            yield True
        finally:
            self._taken[subject] -= 1
            if not self._taken[subject]:
                del self._taken[subject]
