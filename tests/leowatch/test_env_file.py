"""`make env`: fresh secrets, once."""

from hashlib import sha256

from leowatch.env_file import filled, main

TEMPLATE = "# why\nTOKEN=<random 4>\nTOKEN_SHA256=<sha256 of TOKEN>\nURL=http://pager:9095\n"


def test_each_secret_is_drawn_and_its_hash_is_of_what_was_drawn():
    text = filled(TEMPLATE, "", lambda size_bytes: "x" * size_bytes)
    assert text == f"TOKEN=xxxx\nTOKEN_SHA256={sha256(b'xxxx').hexdigest()}\nURL=http://pager:9095\n"


def test_what_is_there_stays_and_what_is_new_is_added():
    text = filled(TEMPLATE, "TOKEN=mine\nURL=http://elsewhere\n", lambda _: "never")
    assert text == f"TOKEN=mine\nURL=http://elsewhere\nTOKEN_SHA256={sha256(b'mine').hexdigest()}\n"


def test_the_file_is_its_owners_alone_and_a_second_run_changes_nothing(tmp_path):
    (tmp_path / ".env.example").write_text(TEMPLATE)
    main(tmp_path)
    first = (tmp_path / ".env").read_text()
    main(tmp_path)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".env").read_text() == first
    assert "<" not in first
