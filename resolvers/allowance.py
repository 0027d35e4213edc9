"""How much one answer carries: a single file is bounded, but a document may ask for many, and for one many times."""

from firecrest_gql.errors import TooLarge


class Allowance:
    """Bytes of files that one answer may still carry, and that may be held meanwhile."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._held = 0

    def spent(self, data: bytes) -> bytes:
        """The bytes, which the answer now carries; raises `TooLarge` where there is no room for them."""
        if len(data) > self._left:
            raise self.full()
        self._left -= len(data)
        return data

    @property
    def left(self) -> int:
        """Bytes that may still be read."""
        return min(self._left, self._limit - self._held)

    def take(self, size: int) -> bool:
        """Whether so many bytes may be read; they are then held."""
        fits = size <= self.left
        self._held += size if fits else 0
        return fits

    def give_back(self, size: int) -> None:
        """So many bytes are not held any more."""
        self._held -= size

    def full(self) -> TooLarge:
        """The error of what there is no room for."""
        return TooLarge(f"the files asked for at once are over {self._limit} bytes: ask for fewer, or for parts")
