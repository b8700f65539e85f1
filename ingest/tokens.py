"""Who a caller is: the token it shows against the hashes of those that were given out."""

import hmac
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec

_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_SCHEME = "bearer "


class Tokens:
    """Maps the SHA-256 of each token, in hex, to a tenant's id; a token itself is nowhere stored."""

    def __init__(self, tenant_by_hash: dict[str, str]) -> None:
        self._tenant_by_hash = tenant_by_hash

    @classmethod
    def from_file(cls, path: Path) -> "Tokens":
        """Read a JSON object of hash to tenant id.

        Raises:
            ValueError: The file is not there, or holds something else.
        """
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=dict[_Hash, str]))
        except (OSError, msgspec.MsgspecError) as error:
            how = 'write {"<sha256 of the token in hex>": "<tenant id>"}, as `printf %s TOKEN | sha256sum` gives it'
            raise ValueError(f"token file {path}: {error}; {how}") from error

    def tenant_of(self, authorization: str | None) -> str | None:
        """Return the tenant of an Authorization header; None for a stranger. Takes as long whichever token it is."""
        if authorization is None or not authorization.lower().startswith(_SCHEME):
            return None
        shown = sha256(authorization[len(_SCHEME) :].strip().encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for known, tenant_id in self._tenant_by_hash.items():
            if hmac.compare_digest(known, shown):
                found = tenant_id
        return found
