"""Bytes of a file, plain or gzipped, as text."""

import gzip

import pytest

from ingest.recorded.malformed import BadLineTally, Malformed
from ingest.recorded.text import to_text


def test_plain_and_gzipped_text_read_the_same():
    assert to_text(b"1 2\n", "a") == to_text(gzip.compress(b"1 2\n"), "a.gz") == "1 2\n"


def test_a_gzip_file_of_several_members_is_read_to_its_end():
    assert to_text(gzip.compress(b"one\n") + gzip.compress(b"two\n"), "a.gz") == "one\ntwo\n"


def test_a_byte_order_mark_is_no_text():
    assert to_text(b"\xef\xbb\xbfa,b\n", "a.csv") == "a,b\n"


@pytest.mark.parametrize("cut", [3, 11, 40, -9, -1])
def test_a_gzip_file_that_was_cut_short_says_so(cut):
    raw = gzip.compress(bytes(range(256)) * 9)
    with pytest.raises(Malformed, match=r"^a.gz: the gzip file ends early; fetch it again"):
        to_text(raw[:cut], "a.gz")


def test_a_damaged_gzip_file_says_so():
    raw = bytearray(gzip.compress(b"some text of some length" * 50))
    raw[-6] ^= 1
    with pytest.raises(Malformed, match="damaged gzip"):
        to_text(bytes(raw), "a.gz")


def test_a_gzip_bomb_is_refused_at_the_limit():
    bomb = gzip.compress(b"0" * 10_000_000)
    with pytest.raises(Malformed, match="more than 1000000 bytes"):
        to_text(bomb, "a.gz", limit_bytes=1_000_000)
    assert len(to_text(bomb, "a.gz", limit_bytes=10_000_000)) == 10_000_000


def test_plain_text_has_the_same_limit():
    with pytest.raises(Malformed, match="more than 9 bytes"):
        to_text(b"0" * 10, "a", limit_bytes=9)


def test_bad_lines_are_counted_and_the_first_are_shown():
    tally = BadLineTally("a.txt")
    for line in range(1, 9):
        tally.add(line, "odd")
    bad = tally.settle(1, "mend it")
    assert (bad.count, len(bad.examples), bad.examples[0]) == (8, 5, "a.txt:1: odd")
    with pytest.raises(Malformed, match=r"^a.txt: nothing to read in it \(1: odd\); mend it$"):
        tally.settle(0, "mend it")
