"""How a file is cut into the parts of an S3 multipart upload."""

from dataclasses import dataclass

from firecrest_gql.settings.storage import MOST_PARTS

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of equal size, numbered from 1, the last one shorter; an empty file has one empty part. Sizes in bytes."""

    total: int
    part_size: int

    @classmethod
    def of(cls, total: int, least: int) -> "Parts":
        """Parts of at least this size, and no more of them than S3 takes."""
        needed = -(-total // MOST_PARTS)
        return cls(total, max(least, -(-needed // MIB) * MIB))

    @property
    def count(self) -> int:
        """How many there are."""
        return max(1, -(-self.total // self.part_size))

    def offset(self, number: int) -> int:
        """Where the part begins in the file."""
        return (number - 1) * self.part_size

    def size(self, number: int) -> int:
        """The bytes of the part."""
        return min(self.part_size, self.total - self.offset(number))
