"""The way of a level to a channel: decide, claim, read where we never knew, write in bulk, judge, write down.

Everything that pushes goes this one way (`bring_to_targets`), so there is one place where a level's fate is decided: a
run's chunks, single SKUs that are tried again, and the publisher's turns (`live`).
"""

from onhand.publish.bring import bring_sku_to_target, bring_to_targets
from onhand.publish.work import Errand, Work

__all__ = ["Errand", "Work", "bring_sku_to_target", "bring_to_targets"]
