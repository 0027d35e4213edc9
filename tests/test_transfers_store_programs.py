"""The programs between a system and the store, run by several shells against a plain HTTP server; what they read."""

import hashlib
import io
import shutil
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from firecrest_gql.command import Result
from firecrest_gql.errors import (
    AlreadyExists,
    ChecksumMismatch,
    CommandFailed,
    Conflict,
    FirecrestError,
    NoSpace,
    StorageUnavailable,
)
from firecrest_gql.model.files import Compression
from firecrest_gql.settings import TransferSettings
from firecrest_gql.settings.storage import LARGEST_OBJECT, LARGEST_PART, MOST_PARTS, SMALLEST_PART
from firecrest_gql.storage.s3 import StoredPart
from firecrest_gql.transfers.packing import plan_of
from firecrest_gql.transfers.staged import EVERY_PART, Fetch, Send, Sent, configuration
from firecrest_gql.transfers.staging_checks import Source
from tests.files import names
from tests.staging_bench import Bench

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from('\r\n\t\\"#'), max_size=40)
NUMBERS = st.integers(0, 2**63)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_as_curl_does(line: str) -> tuple[str, str, str]:
    """Part, name and value; within quotes as curl(1) tells for -K."""
    part, name, equals, quoted = line.split(" ", 3)
    assert (equals, quoted[0], quoted[-1]) == ("=", '"', '"')
    value, characters = "", iter(quoted[1:-1])
    for each in characters:
        if each == "\\":
            after = next(characters)
            value += ESCAPES.get(after, after)
        else:
            assert each != '"'
            value += each
    return part, name, value


@given(st.lists(st.tuples(st.integers(1, 10_000).map(str) | st.just(EVERY_PART), TEXT), max_size=5), TEXT)
def test_curl_reads_any_word_as_it_is(urls: list[tuple[str, str]], proxy: str) -> None:
    told = configuration(TransferSettings(proxy=SecretStr(proxy)), urls).decode().split("\n")[:-1]
    expected = [(EVERY_PART, "proxy", proxy)] * bool(proxy) + [(part, "url", url) for part, url in urls]
    assert [read_as_curl_does(line) for line in told] == expected


@pytest.mark.parametrize("url", ["http://a.example/?b=%22&c=%5C", 'http://a.example/"\\ $HOME', "http://a.example/\t#"])
def test_curl_itself_reads_what_was_quoted(tmp_path: Path, url: str) -> None:
    conf = tmp_path / "conf"
    conf.write_text(configuration(TransferSettings(), [(EVERY_PART, url)]).decode().removeprefix(f"{EVERY_PART} "))
    argv = ["curl", "-q", "-K", str(conf), "-s", "--proto", "=file", "-w", "%{url}"]
    assert subprocess.run(argv, capture_output=True, check=False).stdout.decode() == url


@given(st.dictionaries(st.integers(1, 10_000), NUMBERS, max_size=5))
def test_what_was_sent_is_read_as_it_was_told(sizes: dict[int, int]) -> None:
    parts = {number: StoredPart(number, each, hashlib.md5(b"%d" % each).hexdigest()) for number, each in sizes.items()}
    lines = ["0" * 64, *(f"{each.number} {each.size} {each.md5}" for each in parts.values())]
    said = "".join(f"{line}\n" for line in lines).encode()
    assert Send("/file", 1).parse(Result(0, said, b"")) == Sent(sum(sizes.values()), "0" * 64, parts)


@given(st.binary(max_size=80), st.integers(0, 255), st.binary(max_size=40))
def test_whatever_a_program_says_is_an_answer_or_an_error_of_ours(said: bytes, status: int, words: bytes) -> None:
    with suppress(FirecrestError):
        assert isinstance(Send("/file", 1).parse(Result(status, said, words)), Sent)


def manifest(*parts: bytes) -> str:
    """What the program reads of these parts."""
    offsets = [sum(map(len, parts[:index])) for index in range(len(parts))]
    return "".join(
        f"{number} {offset} {len(part)} {hashlib.md5(part).hexdigest()}\n"
        for number, (offset, part) in enumerate(zip(offsets, parts, strict=True), 1)
    )


PARTS = [b"1" * 3_000_000, b"\0\n" * 1_000_000, b"three", b"4", b"5", b""]


@pytest.mark.parametrize("failures", [0, 4])
def test_parts_come_to_their_place(bench: Bench, failures: int) -> None:
    whole, target = b"".join(PARTS), bench.home / "it's\n"
    bench.store.held["/object?X-Amz-Signature=secret"] = whole
    bench.store.failures = failures
    command = Fetch(str(target), len(whole), "0640", sha256=hashlib.sha256(whole).hexdigest())
    result = bench.run(command, [(EVERY_PART, bench.store.url("object"))], manifest(*PARTS))
    command.parse(result)
    assert (target.read_bytes() == whole, oct(target.stat().st_mode & 0o7777)) == (True, "0o640")
    assert (bench.folder / "counted").read_text() == f"{len(whole)} {len(whole)}\n"
    assert names(bench.home, ".firecrest.*") == []
    assert "secret" not in (result.stdout + result.stderr).decode()
    assert names(bench.folder, "conf.*") == []


def test_what_replaces_a_private_file_is_private(bench: Bench) -> None:
    bench.store.held["/object?X-Amz-Signature=secret"] = b"new"
    urls = [(EVERY_PART, bench.store.url("object"))]
    for name, before, mode, after in (
        ("private", 0o600, None, "0o600"),
        ("opened", 0o600, "0644", "0o644"),
        ("fresh", None, None, "0o644"),
    ):
        target = bench.home / name
        if before is not None:
            target.touch(before)
        command = Fetch(str(target), 3, mode, overwrite=True)
        command.parse(bench.run(command, urls, manifest(b"new")))
        assert (target.read_bytes(), oct(target.stat().st_mode & 0o777)) == (b"new", after), name


def test_what_cannot_come_whole_leaves_the_old_file(bench: Bench) -> None:
    target = bench.home / "file"
    target.write_bytes(b"old")
    bench.store.held["/object?X-Amz-Signature=secret"] = b"new"
    urls = [(EVERY_PART, bench.store.url("object"))]
    for sha256, overwrite, lines, failures, error in (
        (None, False, manifest(b"new"), 0, AlreadyExists),
        (None, True, manifest(b"newer"[:3]).replace("1 0 3 2", "1 0 3 3"), 0, ChecksumMismatch),
        ("0" * 64, True, manifest(b"new"), 0, ChecksumMismatch),
        (None, True, "", 0, ChecksumMismatch),
        (None, True, manifest(b"ne"), 0, ChecksumMismatch),
        (None, True, manifest(b"new"), 100, StorageUnavailable),
    ):
        bench.store.failures = failures
        command = Fetch(str(target), 3, "0644", overwrite, sha256)
        with pytest.raises(error):
            command.parse(bench.run(command, urls, lines))
        assert (target.read_bytes(), names(bench.home, ".firecrest.*")) == (b"old", [])


def test_no_further_part_is_asked_for_once_one_is_given_up(bench: Bench) -> None:
    count = 400
    bench.store.held["/object?X-Amz-Signature=secret"] = bytes(count)
    bench.store.hopeless = 0
    command = Fetch(str(bench.home / "file"), count, "0644")
    with pytest.raises(StorageUnavailable):
        command.parse(bench.run(command, [(EVERY_PART, bench.store.url("object"))], manifest(*[b"\0"] * count)))
    assert len(bench.store.asked) < count // 4


@pytest.mark.parametrize("failures", [0, 4])
def test_a_file_goes_in_parts(bench: Bench, failures: int) -> None:
    whole, source = b"".join(PARTS), bench.home / "it's\n"
    source.write_bytes(whole)
    bench.store.failures = failures
    sizes = [3_000_000, 1_000_000, 1_000_007]
    lines = "".join(f"{number} {sum(sizes[: number - 1])} {size}\n" for number, size in enumerate(sizes, 1))
    command = Send(str(source), 3_000_000, len(whole))
    urls = [(str(number), bench.store.url(str(number))) for number in (1, 2, 3)]
    sent = command.parse(bench.run(command, urls, lines))
    bodies = [bench.store.held[f"/{number}?X-Amz-Signature=secret"] for number in (1, 2, 3)]
    assert b"".join(bodies) == whole
    assert (sent.size, sent.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert sent.parts == {
        number: StoredPart(number, len(body), hashlib.md5(body).hexdigest()) for number, body in enumerate(bodies, 1)
    }


SIZES = st.none() | st.integers(0, LARGEST_OBJECT)


@given(SIZES, SIZES, st.integers(SMALLEST_PART, LARGEST_PART), st.integers(1, LARGEST_OBJECT))
def test_an_archive_is_bounded_by_what_is_known_and_by_what_can_be_staged(
    size: int | None, entries: int | None, least: int, largest: int
) -> None:
    plan = plan_of(Source(directory=True, size=size, entries=entries), Compression.GZIP, least, largest)
    assert plan.total <= largest
    assert plan.total == largest or None not in (size, entries)
    assert least <= plan.part_size <= LARGEST_PART
    assert plan.count <= MOST_PARTS


def test_a_part_that_the_store_has_is_not_sent_again(bench: Bench) -> None:
    whole, source = b"".join(PARTS), bench.home / "file"
    source.write_bytes(whole)
    bodies = [whole[:3_000_000], whole[3_000_000:6_000_000]]
    urls = [(str(number), bench.store.url(str(number))) for number in (1, 2, 3)]
    md5 = hashlib.md5(bodies[0]).hexdigest()
    lines = f"1 0 3000000 {md5}\n2 3000000 {len(whole) - 3_000_000} {md5}\n"
    command = Send(str(source), 3_000_000, len(whole))
    sent = command.parse(bench.run(command, urls, lines))
    assert (sent.size, sent.parts[1].md5, list(bench.store.held)) == (len(whole), md5, ["/2?X-Amz-Signature=secret"])
    archive = Send(str(source), 2_000_000, None, "cat")
    first = archive.parse(bench.run(archive, urls))
    bench.store.held.clear()
    lines = f"1 {first.parts[1].md5}\n2 {first.parts[1].md5}\n"
    assert archive.parse(bench.run(archive, urls, lines)) == first
    assert sorted(bench.store.held) == ["/2?X-Amz-Signature=secret", "/3?X-Amz-Signature=secret"]


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_that_is_not_as_large_as_it_was_does_not_go(bench: Bench, size: int) -> None:
    source = bench.home / "file"
    source.write_bytes(bytes(size))
    command = Send(str(source), 3, 3)
    with pytest.raises(Conflict, match="another size"):
        command.parse(bench.run(command, [("1", bench.store.url("1"))], "1 0 3\n"))
    assert bench.store.held == {}


FULL = 'case $* in *of=piece*) test ! -s piece || { echo "dd: No space left on device" >&2; exit 1; };; esac\n'


@pytest.mark.parametrize(("program", "before", "error"), [("dd", FULL, NoSpace), ("tee", "exit 1\n", CommandFailed)])
def test_an_archive_that_cannot_be_read_to_its_end_is_not_taken_for_whole(
    bench: Bench, program: str, before: str, error: type[FirecrestError]
) -> None:
    (bench.home / "dir").mkdir()
    (bench.home / "dir" / "file").write_bytes(PARTS[0])
    bench.program(program, f'{before}exec {shutil.which(program)} "$@"')
    command = Send(str(bench.home / "dir"), 2**20, None, "cat")
    urls = [(str(number), bench.store.url(str(number))) for number in range(1, 9)]
    with pytest.raises(error):
        command.parse(bench.run(command, urls))


def test_a_directory_goes_as_an_archive_in_parts(bench: Bench) -> None:
    (bench.home / "-dir" / "below").mkdir(parents=True)
    (bench.home / "-dir" / "below" / "file").write_bytes(PARTS[0])
    command = Send(str(bench.home / "-dir"), 2**20, None, "cat")
    urls = [(str(number), bench.store.url(str(number))) for number in range(1, 9)]
    sent = command.parse(bench.run(command, urls))
    whole = b"".join(bench.store.held[f"/{number}?X-Amz-Signature=secret"] for number in sorted(sent.parts))
    assert (sent.size, sent.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        assert sorted(archive.getnames()) == ["-dir", "-dir/below", "-dir/below/file"]
    with pytest.raises(Conflict):
        command.parse(bench.run(command, urls[:2]))
