"""How each platform delivers its webhooks: what it takes for an answer, when it tries again, when it gives up."""

from dataclasses import dataclass

HOURS = 3_600


@dataclass(frozen=True, slots=True)
class Policy:
    """One platform's way of delivering.

    An answer counts from `status_min` to `status_max`, within `timeout_seconds`. A failed delivery is tried again
    after each of `retry_seconds`. Where they are used up and at least `failures_max` attempts failed in a row, the
    subscription is deleted, or switched off. `built_late`: the payload is made when it is sent, and what waits for
    the same thing already is not queued twice.
    """

    timeout_seconds: float
    retry_seconds: tuple[float, ...]
    failures_max: int
    deletes: bool
    status_min: int = 200
    status_max: int = 299
    built_late: bool = False


POLICIES = {
    # 8 retries over 4 hours at growing intervals, then a subscription made through the API is deleted.
    "shopify": Policy(5.0, (30, 90, 270, 600, 1_200, 2_400, 3_600, 6_210), failures_max=8, deletes=True),
    # No retry; the 7th failure in a row switches the webhook off (the documentation says the 5th).
    "woocommerce": Policy(60.0, (), failures_max=7, deletes=False, status_max=302, built_late=True),
    # 11 retries over 48 hours, then is_active is false. How long an answer may take is not documented.
    "bigcommerce": Policy(
        10.0,
        (60, 180, 300, 600, 900, 1_800, HOURS, 2 * HOURS, 6 * HOURS, 14 * HOURS, 24 * HOURS),
        failures_max=1,
        deletes=False,
    ),
}
"""By platform, as documented."""
