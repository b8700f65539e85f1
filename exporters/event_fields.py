"""Of what form each field of an event's JSON is, so that a column keeps its type however a number was written."""

from enum import Enum

from ingest.contract.columns import Column
from streams.contract.catalogue import json_name
from streams.contract.events import EVENT

_IDENTITY = frozenset({"event_key", "revision", "event_code", "subject_kind", "subject_index", "started_at_ns"})


class Form(Enum):
    """How a field is written in JSON, and so what its column holds elsewhere."""

    INSTANT = "RFC 3339"
    WORDS = "list of words"
    WORD = "word or id"
    FLAG = "true or false"
    REAL = "number"
    WHOLE = "whole number"


def _form(column: Column) -> Form:
    if column.name.endswith("_at_ns"):
        return Form.INSTANT
    if column.name in {"handover_class", "cause_chain"}:
        return Form.WORDS
    if column.name.endswith("_index") or column.choices is not None:
        return Form.WORD
    if column.numpy_type.kind == "f":
        return Form.REAL
    return Form.FLAG if (column.minimum, column.maximum) == (0, 1) else Form.WHOLE


FORMS: dict[str, Form] = {json_name(column): _form(column) for column in EVENT.columns if column.name not in _IDENTITY}
"""The optional fields, in the order of the layout; the identity of an event is not among them."""
