"""Chains of causes as numbers say what lists of causes say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.contract.events import CHAIN_LIMIT, pack_chain, unpack_chain
from streams.contract.vocabulary import OutageCause
from streams.detectors import chain

CAUSES = st.lists(st.sampled_from(OutageCause), max_size=CHAIN_LIMIT)
BOOTING, OBSTRUCTED, SEARCHING, SILENT = (
    OutageCause.BOOTING, OutageCause.OBSTRUCTED, OutageCause.SEARCHING, OutageCause.SILENT,
)  # fmt: skip


def packed(*chains):
    return np.array([pack_chain(causes) for causes in chains], np.int64)


def causes_of(chains):
    return [unpack_chain(each) for each in chains.tolist()]


@given(CAUSES, st.sampled_from(OutageCause))
def test_a_chain_goes_on_with_another_cause_while_there_is_room(causes, cause):
    longer = causes if len(causes) == CHAIN_LIMIT or (causes and causes[-1] == cause) else [*causes, cause]

    assert causes_of(chain.append(packed(causes), np.array([cause]))) == [longer]
    assert chain.length(packed(causes)).tolist() == [len(causes)]
    assert chain.last(packed(causes)).tolist() == [causes[-1] if causes else -1]


@given(CAUSES, CAUSES)
def test_joined_chains_lose_what_there_is_no_room_for(before, after):
    assert causes_of(chain.join(packed(before), packed(after))) == [(before + after)[:CHAIN_LIMIT]]


@given(CAUSES, st.sampled_from(OutageCause))
def test_what_explains_a_chain_stands_before_it(causes, cause):
    assert causes_of(chain.prepend(packed(causes), np.array([cause]))) == [[cause, *causes][:CHAIN_LIMIT]]


def test_the_primary_cause_is_the_first_known_one():
    chains = packed([OBSTRUCTED, SEARCHING], [SILENT, OutageCause.UNKNOWN, SEARCHING, BOOTING], [SILENT])

    assert chain.primary(chains).tolist() == [OBSTRUCTED, SEARCHING, SILENT]


def explained(seen, told, **options):
    return unpack_chain(chain.explain(pack_chain(seen), pack_chain(told), **options))


def test_what_was_told_of_a_silence_takes_its_place():
    assert explained([OBSTRUCTED, SILENT, BOOTING], [SEARCHING]) == [OBSTRUCTED, SEARCHING, BOOTING]
    assert explained([OBSTRUCTED, SILENT], [OBSTRUCTED, SEARCHING]) == [OBSTRUCTED, SEARCHING]
    assert explained([OBSTRUCTED, SILENT], []) == [OBSTRUCTED, SILENT]


def test_what_was_told_without_a_silence_is_added_as_far_as_it_is_new():
    assert explained([OBSTRUCTED], [OBSTRUCTED, SEARCHING]) == [OBSTRUCTED, SEARCHING]
    assert explained([OBSTRUCTED], [SEARCHING], only_silence=True) == [OBSTRUCTED]
