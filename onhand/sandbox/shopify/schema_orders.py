"""The part of the GraphQL Admin API about orders and webhooks that the sandbox speaks, added to `schema.py`."""

SDL = """
scalar UnsignedInt64

extend type QueryRoot {
  order(id: ID!): Order
  orders(after: String, first: Int, query: String, reverse: Boolean = false, sortKey: OrderSortKeys = PROCESSED_AT):
    OrderConnection!
  refund(id: ID!): Refund
  webhookSubscriptions(after: String, first: Int, topics: [WebhookSubscriptionTopic!], uri: String):
    WebhookSubscriptionConnection!
}
extend type Mutation {
  webhookSubscriptionCreate(topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!):
    WebhookSubscriptionCreatePayload
  webhookSubscriptionDelete(id: ID!): WebhookSubscriptionDeletePayload
}
extend type ProductVariant { legacyResourceId: UnsignedInt64! }

type Order implements Node {
  cancelledAt: DateTime
  createdAt: DateTime!
  displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  id: ID!
  legacyResourceId: UnsignedInt64!
  lineItems(after: String, first: Int): LineItemConnection!
  name: String!
  refunds(first: Int): [Refund!]!
  retailLocation: Location
  test: Boolean!
  updatedAt: DateTime!
}
type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
enum OrderDisplayFulfillmentStatus { FULFILLED PARTIALLY_FULFILLED UNFULFILLED }
enum OrderSortKeys { CREATED_AT ID PROCESSED_AT UPDATED_AT }

type LineItem implements Node {
  currentQuantity: Int!
  fulfillableQuantity: Int!
  id: ID!
  quantity: Int!
  refundableQuantity: Int!
  sku: String
  variant: ProductVariant
}
type LineItemConnection { nodes: [LineItem!]! pageInfo: PageInfo! }

type Refund implements Node {
  id: ID!
  refundLineItems(after: String, first: Int): RefundLineItemConnection!
}
type RefundLineItem {
  lineItem: LineItem!
  location: Location
  quantity: Int!
  restockType: RefundLineItemRestockType!
}
type RefundLineItemConnection { nodes: [RefundLineItem!]! pageInfo: PageInfo! }
enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }

type WebhookSubscription implements Node {
  format: WebhookSubscriptionFormat!
  id: ID!
  legacyResourceId: UnsignedInt64!
  topic: WebhookSubscriptionTopic!
  uri: String!
}
type WebhookSubscriptionConnection { nodes: [WebhookSubscription!]! pageInfo: PageInfo! }
enum WebhookSubscriptionFormat { JSON XML }
enum WebhookSubscriptionTopic {
  FULFILLMENTS_CREATE
  FULFILLMENTS_UPDATE
  INVENTORY_LEVELS_UPDATE
  ORDERS_CANCELLED
  ORDERS_CREATE
  ORDERS_EDITED
  ORDERS_FULFILLED
  ORDERS_PAID
  ORDERS_UPDATED
  PRODUCTS_UPDATE
  REFUNDS_CREATE
}
input WebhookSubscriptionInput {
  filter: String
  format: WebhookSubscriptionFormat
  includeFields: [String!]
  name: String
  uri: String
}
type WebhookSubscriptionCreatePayload { userErrors: [UserError!]! webhookSubscription: WebhookSubscription }
type WebhookSubscriptionDeletePayload { deletedWebhookSubscriptionId: ID userErrors: [UserError!]! }
"""
