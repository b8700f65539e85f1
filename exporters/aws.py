"""AWS's clients and what their errors mean for a batch.

throttled, 5xx, no reply      Retry: the same batch again
denied, no such bus           Fatal before the first success; Retry after it (somebody withdrew a permission: nothing
                              may be lost while they mend it)
anything else                 the batch itself is refused
"""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from exporters.delivery import RefusedWhole
from ingest.contract.bus import Fatal, Retry

_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
_DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation", "InvalidClientTokenId",
        "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch",
        "ResourceNotFoundException", "OptInRequired", "InvalidAccountIdException",
    }
)  # fmt: skip
_SERVER_ERROR = 500


def client(service: str, *, region: str, endpoint: str | None, timeout_s: float) -> Any:
    """Return a client that tries once: trying again, and counting it, is the loop's."""
    config = Config(
        region_name=region,
        retries={"total_max_attempts": 1},
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
    )
    session = boto3.session.Session()
    return session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload] # by name


def fate(error: ClientError | BotoCoreError, service: str, *, is_known: bool) -> Exception:
    """Return what an error means.

    Args:
        error: What the client raised.
        service: For the message.
        is_known: Whether the destination has ever taken something from us.
    """
    if not isinstance(error, ClientError):
        return Retry(f"{service}: {error}")
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLED or status >= _SERVER_ERROR:
        return Retry(f"{service}: {code} ({status})")
    if code in _DENIED:
        return Retry(f"{service}: {code}") if is_known else Fatal(f"{service}: {error}")
    return RefusedWhole(f"{code}: {error}")
