"""Events in landing order to what each of them does to the graph: in the driver.

`resolutions` is the shape both paths have; the distributed one is in `distributed.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from profiles_sync.pipeline.state import Known
from profiles_sync.spec.identifiers import Identifier
from profiles_sync.spec.ledger import Ledger
from profiles_sync.spec.resolver import Resolution, Resolver
from profiles_sync.spec.rules import IdentityRules


class Carrier(NamedTuple):
    """An event as the graph sees it: its identifiers, best rank first, and when it was received (microseconds)."""

    identifiers: tuple[Identifier, ...]
    received_at: int


def resolutions(carriers: Sequence[Carrier], known: Known, rules: IdentityRules, created: int) -> list[Resolution]:
    """One resolution per event.

    Args:
        carriers: In landing order.
        known: What earlier batches know of the profiles that the events touch.
        rules: The space's rules.
        created: How many profiles were created before; the next one gets this number.
    """
    resolver = Resolver(rules)
    known.fill(resolver, Ledger(""))
    resolver.created = created
    return [resolver.resolve(carrier.identifiers, carrier.received_at) for carrier in carriers]
