"""Chains of causes as numbers: five bits a cause (cause + 1), the first lowest, at most twelve (`streams.contract.events`)."""

import numpy as np

from ingest.contract.columns import Array
from streams.contract.events import CHAIN_LIMIT, pack_chain, unpack_chain
from streams.contract.vocabulary import OutageCause

_BITS = 5
_FIRST_OF_LENGTH = np.int64(1) << (_BITS * np.arange(CHAIN_LIMIT, dtype=np.int64))
# That nothing was heard is no reason: what anybody knows comes before it.
_NO_REASON = (OutageCause.SILENT + 1, OutageCause.UNKNOWN + 1)


def length(chains: Array) -> Array:
    """Return how many causes each chain holds."""
    return np.searchsorted(_FIRST_OF_LENGTH, chains, side="right")


def last(chains: Array) -> Array:
    """Return the last cause of each chain; -1 of an empty one."""
    found: Array = ((chains >> (_BITS * np.maximum(length(chains) - 1, 0))) & 31) - 1
    return found


def append(chains: Array, causes: Array) -> Array:
    """Return chains that go on with a cause, unless it is their last one or they are full."""
    size = length(chains)
    grows = (last(chains) != causes) & (size < CHAIN_LIMIT)
    # No shift beyond the limit is asked for, not even where it is thrown away.
    longer = chains | ((causes.astype(np.int64) + 1) << (_BITS * np.minimum(size, CHAIN_LIMIT - 1)))
    return np.where(grows, longer, chains)


def prepend(chains: Array, causes: Array) -> Array:
    """Return chains that begin with a cause; of a full one the last is lost."""
    room = chains & ((np.int64(1) << (_BITS * (CHAIN_LIMIT - 1))) - 1)
    longer: Array = (room << _BITS) | (causes.astype(np.int64) + 1)
    return longer


def primary(chains: Array) -> Array:
    """Return the first known cause of each chain; the first one where none is known."""
    found = np.zeros(len(chains), np.int64)
    for place in range(CHAIN_LIMIT):
        here = (chains >> (_BITS * place)) & 31
        known = (here > 0) & ~np.isin(here, _NO_REASON)
        found = np.where((found == 0) & known, here, found)
        if not (chains >> (_BITS * place)).any():
            break
    return (np.where(found > 0, found, chains & 31) - 1).astype(np.int8)


def join(before: Array, after: Array) -> Array:
    """Return chains that go on with others, as far as there is room."""
    size = length(before)
    room = (np.int64(1) << (_BITS * (CHAIN_LIMIT - size))) - 1
    whole: Array = before | ((after & room) << (_BITS * size))
    return whole


def explain(chain: int, told: int, *, only_silence: bool = False) -> int:
    """Return a chain with what was told of its silence in the silence's place; without a silence, what is new goes last.

    Args:
        chain: What was seen live.
        told: What a ring tells, or is known from a boot.
        only_silence: Leave a chain without a silence as it is.
    """
    seen, heard = unpack_chain(chain), unpack_chain(told)
    if not heard or (only_silence and OutageCause.SILENT not in seen):
        return chain
    if OutageCause.SILENT in seen:
        at = seen.index(OutageCause.SILENT)
        whole = [*seen[:at], *heard, *seen[at + 1 :]]
    else:
        whole = [*seen, *(cause for cause in heard if cause not in seen)]
    return pack_chain([cause for place, cause in enumerate(whole) if not place or cause != whole[place - 1]])
