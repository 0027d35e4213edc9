"""The latest chunks of a followed file, which all its viewers read; bounded, whoever is slow."""

from collections import deque

from firecrest_gql.model.jobs import OutputChunk

MAX_BYTES = 512 * 1024
MAX_CHUNKS = 4096


class Latest:
    """Chunks in order, each with a number; the oldest fall out. `head`: where in the file they end."""

    def __init__(self) -> None:
        self.first = 0
        self.head = 0
        self._told = 0
        self._chunks: deque[tuple[int, OutputChunk]] = deque()

    @property
    def next(self) -> int:
        """The number that the next chunk will have."""
        return self.first + len(self._chunks)

    def __getitem__(self, number: int) -> OutputChunk:
        """The chunk of this number."""
        return self._chunks[number - self.first][1]

    def append(self, chunk: OutputChunk) -> None:
        """One more; as many old ones are forgotten as the bounds ask."""
        self._chunks.append((self._told, chunk))
        self._told += len(chunk.data)
        self.head = chunk.next_offset
        while len(self._chunks) > 1 and (self._told - self._chunks[0][0] > MAX_BYTES or len(self._chunks) > MAX_CHUNKS):
            self._chunks.popleft()
            self.first += 1

    def behind(self, number: int) -> int:
        """How many bytes are told from this chunk on; more than are kept where it has fallen out."""
        if number < self.first:
            return MAX_BYTES + 1
        return self._told - self._chunks[number - self.first][0] if number < self.next else 0

    def find(self, offset: int) -> int | None:
        """The chunk with which to begin at this place of the present file; None where it is not kept."""
        number = self.next
        if offset >= self.head:
            return number
        for _, chunk in reversed(self._chunks):
            number -= 1
            if chunk.offset <= offset:
                return number + 1 if chunk.reset else number
        return None
