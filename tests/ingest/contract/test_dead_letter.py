"""A dead letter keeps what came, says why it was refused, and lets a person find it again."""

from hashlib import blake2b

from ingest.contract.dead_letter import HEADER_NAMES, KEPT_BYTES, Origin, dead_letter
from ingest.contract.frame import Rejected, RejectReason

WHY = Rejected(reason=RejectReason.OUT_OF_RANGE, detail="91 > 90", field="boresight_elevation_deg")
FROM = Origin(topic="telemetry.terminal.v1", partition=3, offset=42)


def test_a_short_value_is_kept_whole_with_its_reason_and_place():
    value, headers = dead_letter(b"as it came", WHY, FROM, 7)

    assert value == b"as it came"
    assert tuple(name for name, _ in headers) == HEADER_NAMES
    assert dict(headers) == {
        "reason": b"out_of_range", "detail": b"91 > 90", "field": b"boresight_elevation_deg",
        "topic": b"telemetry.terminal.v1", "partition": b"3", "offset": b"42", "at_ns": b"7", "length": b"10",
        "blake2b": blake2b(b"as it came", digest_size=16).hexdigest().encode(),
    }  # fmt: skip


def test_of_a_long_value_the_first_64_kb_are_kept_with_the_hash_and_length_of_the_whole():
    long = bytes(range(256)) * 1000

    value, headers = dead_letter(long, WHY, FROM, 7)

    assert value == long[: 64 * 1024]
    assert len(value) == KEPT_BYTES
    assert dict(headers)["length"] == b"256000"
    assert dict(headers)["blake2b"] == blake2b(long, digest_size=16).hexdigest().encode()


def test_an_endless_reason_is_cut_so_that_the_letter_itself_fits():
    _, headers = dead_letter(b"", Rejected(reason=RejectReason.UNPARSEABLE, detail="x" * 10_000), FROM, 7)

    assert len(dict(headers)["detail"]) == 1024
