"""Read-backs: what every channel really shows is held against what we believe, and each difference is explained.

`walk` finds suspects, `hear` takes in the orders nobody told of, `look_again` reads the suspects while nobody writes
them, `judge` says why each is wrong and answers it, and `prove` sees that the answer shows.
"""

from onhand.reconcile.again import look_again
from onhand.reconcile.hearing import hear
from onhand.reconcile.hiding import show_again
from onhand.reconcile.judging import Judged, judge
from onhand.reconcile.policy import Policy, ReadBack
from onhand.reconcile.proving import prove
from onhand.reconcile.walking import Walked, walk

__all__ = [
    "Judged",
    "Policy",
    "ReadBack",
    "Walked",
    "hear",
    "judge",
    "look_again",
    "prove",
    "show_again",
    "walk",
]
