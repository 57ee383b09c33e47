"""The events of a batch to what each of them does to the graph: in this process.

`Resolve` is the shape both paths have; the distributed one is in `distributed.py`.
"""

from collections.abc import Callable

from profiles_sync.pipeline import kernel
from profiles_sync.pipeline.kernel import Carriers, Past, Replayed
from profiles_sync.spec.rules import IdentityRules

#: The events, what is known before, the space's rules, how many profiles were created before.
Resolve = Callable[[Carriers, Past, IdentityRules, int], Replayed]

in_driver: Resolve = kernel.replay
