"""The GraphQL documents about orders and webhooks; tests hold each to the schema Shopify publishes for 2026-10.

An order costs about 18 points as long as its refunds are not asked for, and most orders have none.
"""

from onhand.channels.shopify.documents import Operation

ORDER_SCALARS = "id createdAt updatedAt cancelledAt displayFulfillmentStatus"
ORDER_LINES = """{
      nodes { id quantity currentQuantity refundableQuantity fulfillableQuantity sku variant { legacyResourceId } }
      pageInfo { hasNextPage endCursor }
    }"""
REFUND_LINES = """{
      nodes { quantity restockType location { id } lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }"""

ORDERS_BY_ID = Operation(
    "read orders by id",
    f"""query OrdersById($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Order {{
      {ORDER_SCALARS}
      retailLocation {{ id }}
      lineItems(first: 50) {ORDER_LINES}
    }}
  }}
}}""",
    points=18,
)

ORDERS_CHANGED = Operation(
    "list changed orders",
    f"""query OrdersChanged($after: String, $range: String!) {{
  orders(first: 100, after: $after, query: $range, sortKey: UPDATED_AT) {{
    nodes {{
      {ORDER_SCALARS}
      retailLocation {{ id }}
      lineItems(first: 50) {ORDER_LINES}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}""",
    points=164,
)

MORE_LINES = Operation(
    "read more lines of an order",
    f"""query MoreLines($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 250, after: $after) {ORDER_LINES} }}
}}""",
    points=25,
)

REFUNDS_BY_ID = Operation(
    "read refunds of orders",
    f"""query RefundsById($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Order {{
      id
      refunds(first: 100) {{
        id
        refundLineItems(first: 10) {REFUND_LINES}
      }}
    }}
  }}
}}""",
    points=136,
)

MORE_REFUND_LINES = Operation(
    "read more lines of a refund",
    f"""query MoreRefundLines($id: ID!, $after: String) {{
  refund(id: $id) {{ refundLineItems(first: 250, after: $after) {REFUND_LINES} }}
}}""",
    points=36,
)

SUBSCRIPTIONS = Operation(
    "list webhook subscriptions",
    """query Subscriptions($after: String) {
  webhookSubscriptions(first: 250, after: $after) {
    nodes { id topic uri }
    pageInfo { hasNextPage endCursor }
  }
}""",
    points=13,
)

SUBSCRIBE = Operation(
    "subscribe to a webhook",
    """mutation Subscribe($topic: WebhookSubscriptionTopic!, $url: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $url, format: JSON }) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}""",
    points=12,
    writes=True,
)

UNSUBSCRIBE = Operation(
    "take a webhook subscription away",
    """mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}""",
    points=11,
    writes=True,
)

ALL = (
    ORDERS_BY_ID,
    ORDERS_CHANGED,
    MORE_LINES,
    REFUNDS_BY_ID,
    MORE_REFUND_LINES,
    SUBSCRIPTIONS,
    SUBSCRIBE,
    UNSUBSCRIBE,
)
"""Every document about orders and webhooks, for the tests."""
