"""How much one answer carries: a single file is bounded, but a document may ask for many, and for one many times."""

from firecrest_gql.errors import TooLarge


class Allowance:
    """Bytes of files that one answer may still carry."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def spent(self, data: bytes) -> bytes:
        """The bytes, which the answer now carries; raises `TooLarge` where there is no room for them."""
        if len(data) > self._left:
            raise TooLarge(f"the files asked for at once are over {self._limit} bytes: ask for fewer, or for parts")
        self._left -= len(data)
        return data
