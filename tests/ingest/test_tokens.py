"""Who a token belongs to."""

from hashlib import sha256

import pytest

from ingest.tokens import Tokens

TOKENS = Tokens({sha256(b"one").hexdigest(): "a", sha256(b"two").hexdigest(): "b"})


@pytest.mark.parametrize(
    ("header", "tenant"),
    [("Bearer one", "a"), ("bearer two", "b"), ("Bearer three", None), ("one", None), ("", None), (None, None),
     ("Bearer " + sha256(b"one").hexdigest(), None), ("Bearer \udcff", None)],
)  # fmt: skip
def test_a_token_is_its_tenants_and_its_hash_opens_nothing(header, tenant):
    assert TOKENS.tenant_of(header) == tenant


@pytest.mark.parametrize("text", [None, "", "[]", '{"one": "a"}', '{"' + "A" * 64 + '": "a"}'])
def test_a_file_that_is_none_says_how_to_write_one(tmp_path, text):
    path = tmp_path / "tokens.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match="sha256sum"):
        Tokens.from_file(path)
