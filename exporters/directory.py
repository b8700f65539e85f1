"""The directory: ids for the indexes that frames carry, of an inventory that is at least as new as the frame."""

from typing import Protocol

from ingest.contract.inventory import Inventory
from streams.contract.detail import InventoryNames


class Directory(Protocol):
    """Knows the inventory."""

    def inventory(self, version: int) -> Inventory:
        """Return an inventory of that version or of a later one.

        Raises:
            Retry: It is not here yet; an id made up in its place would be another series at the destination.
        """

    def names(self, version: int) -> InventoryNames:
        """Return the ids of that inventory."""


class FixedDirectory:
    """One inventory that does not change, for the one-process default and the tests."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._names = InventoryNames(inventory)

    def inventory(self, version: int) -> Inventory:  # noqa: ARG002 - there is only one
        """Return it."""
        return self._inventory

    def names(self, version: int) -> InventoryNames:  # noqa: ARG002 - there is only one
        """Return its ids."""
        return self._names
