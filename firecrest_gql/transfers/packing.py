"""How what is fetched is packed: a file goes as it is, a directory as an archive."""

from firecrest_gql.model.files import Compression
from firecrest_gql.storage.parts import Parts
from firecrest_gql.transfers.staged import PROGRAMS
from firecrest_gql.transfers.staging_checks import Source

COMPRESSORS = {
    Compression.NONE: "cat",
    Compression.GZIP: "gzip -c",
    Compression.BZIP2: "bzip2 -c",
    Compression.XZ: "xz -c",
    Compression.ZSTD: "zstd -q -c",
}
SUFFIXES = {
    Compression.NONE: ".tar",
    Compression.GZIP: ".tar.gz",
    Compression.BZIP2: ".tar.bz2",
    Compression.XZ: ".tar.xz",
    Compression.ZSTD: ".tar.zst",
}
DIRECTORIES_GO = Compression.GZIP

ENTRY_SIZE = 4096  # bytes that an entry may take in an archive beside its contents, its long name included
MOST_PARTS_SIGNED = 5_000  # the URLs of a job are a file of so many lines


def packed(source: Source, compression: Compression | None) -> Compression | None:
    """The compression of the archive; None: no archive."""
    return compression or (DIRECTORIES_GO if source.directory else None)


def programs_of(packing: Compression | None) -> tuple[str, ...]:
    """What the system needs for it."""
    return PROGRAMS if packing is None else (*PROGRAMS, "tar", "mkfifo", "tee", COMPRESSORS[packing].split()[0])


def plan_of(source: Source, packing: Compression | None, least: int, largest: int) -> Parts:
    """The parts that it takes, or at most takes: of an archive only a bound is known, if that; at most the largest."""
    if packing is None:
        return Parts.of(source.size or 0, least)
    bound = largest
    if source.size is not None and source.entries is not None:
        bound = min(largest, source.size * 11 // 10 + source.entries * ENTRY_SIZE + 2 * least)
    return Parts.of(bound, max(least, bound // MOST_PARTS_SIGNED))
