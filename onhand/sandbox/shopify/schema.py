"""The part of the GraphQL Admin API that the sandbox speaks; a test holds it to the published schema."""

from graphql import build_schema

from onhand.sandbox.shopify import schema_bulk, schema_orders

SDL = """
schema { query: QueryRoot mutation: Mutation }

directive @idempotent(key: String!) on FIELD

scalar DateTime
scalar URL

interface Node { id: ID! }

type QueryRoot {
  currentAppInstallation: AppInstallation!
  inventoryItem(id: ID!): InventoryItem
  location(id: ID): Location
  locations(after: String, first: Int, includeInactive: Boolean = false, includeLegacy: Boolean = false):
    LocationConnection!
  nodes(ids: [ID!]!): [Node]!
  productVariants(after: String, first: Int, query: String, sortKey: ProductVariantSortKeys = ID):
    ProductVariantConnection!
  shop: Shop!
}

type Mutation {
  inventoryActivate(
    available: Int
    inventoryItemId: ID!
    locationId: ID!
    onHand: Int
    stockAtLegacyLocation: Boolean = false
  ): InventoryActivatePayload
  inventoryAdjustQuantities(input: InventoryAdjustQuantitiesInput!): InventoryAdjustQuantitiesPayload
  inventoryItemUpdate(id: ID!, input: InventoryItemInput!): InventoryItemUpdatePayload
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  productUpdate(product: ProductUpdateInput): ProductUpdatePayload
}

type AccessScope { handle: String! }
type AppInstallation implements Node { accessScopes: [AccessScope!]! id: ID! }
type Shop implements Node { id: ID! name: String! }
type FulfillmentService { id: ID! serviceName: String! }
type PageInfo { endCursor: String hasNextPage: Boolean! }

type Location implements Node {
  fulfillmentService: FulfillmentService
  fulfillsOnlineOrders: Boolean!
  id: ID!
  inventoryLevels(after: String, first: Int, includeInactive: Boolean = false, query: String):
    InventoryLevelConnection!
  isActive: Boolean!
  isFulfillmentService: Boolean!
  name: String!
}
type LocationConnection { nodes: [Location!]! pageInfo: PageInfo! }

type InventoryItem implements Node {
  id: ID!
  inventoryLevel(includeInactive: Boolean = false, locationId: ID!): InventoryLevel
  sku: String
  tracked: Boolean!
  updatedAt: DateTime!
  variants(after: String, first: Int): ProductVariantConnection
}
type InventoryLevel implements Node {
  id: ID!
  isActive: Boolean!
  item: InventoryItem!
  location: Location!
  quantities(names: [String!]!): [InventoryQuantity!]!
  updatedAt: DateTime!
}
type InventoryLevelConnection { nodes: [InventoryLevel!]! pageInfo: PageInfo! }
type InventoryQuantity { name: String! quantity: Int! updatedAt: DateTime }

type Product implements Node {
  id: ID!
  status: ProductStatus!
  tags: [String!]!
  title: String!
  variantsCount: Count
}
enum ProductStatus { ACTIVE ARCHIVED DRAFT UNLISTED }
type ProductVariant implements Node {
  barcode: String
  displayName: String!
  id: ID!
  inventoryItem: InventoryItem!
  inventoryPolicy: ProductVariantInventoryPolicy!
  product: Product!
  requiresComponents: Boolean!
  sku: String
  title: String!
}
type ProductVariantConnection { edges: [ProductVariantEdge!]! nodes: [ProductVariant!]! pageInfo: PageInfo! }
type ProductVariantEdge { cursor: String! node: ProductVariant! }
enum ProductVariantInventoryPolicy { CONTINUE DENY }
enum ProductVariantSortKeys { ID SKU TITLE }

input InventoryItemInput { sku: String tracked: Boolean }
input ProductUpdateInput { id: ID status: ProductStatus tags: [String!] title: String }
input InventoryQuantityInput {
  changeFromQuantity: Int
  inventoryItemId: ID!
  locationId: ID!
  quantity: Int!
}
input InventoryChangeInput {
  changeFromQuantity: Int
  delta: Int!
  inventoryItemId: ID!
  ledgerDocumentUri: String
  locationId: ID!
}
input InventoryAdjustQuantitiesInput {
  changes: [InventoryChangeInput!]!
  name: String!
  reason: String!
  referenceDocumentUri: String
}
input InventorySetQuantitiesInput {
  name: String!
  quantities: [InventoryQuantityInput!]!
  reason: String!
  referenceDocumentUri: String
}

interface DisplayableError { field: [String!] message: String! }
type UserError implements DisplayableError { field: [String!] message: String! }
type InventorySetQuantitiesUserError implements DisplayableError {
  code: InventorySetQuantitiesUserErrorCode
  field: [String!]
  message: String!
}
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_INVENTORY_ITEM
  INVALID_LOCATION
  INVALID_NAME
  INVALID_QUANTITY_NEGATIVE
  INVALID_QUANTITY_TOO_HIGH
  INVALID_QUANTITY_TOO_LOW
  INVALID_REASON
  INVALID_REFERENCE_DOCUMENT
  NON_MUTABLE_INVENTORY_ITEM
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}
type InventoryAdjustQuantitiesUserError implements DisplayableError {
  code: InventoryAdjustQuantitiesUserErrorCode
  field: [String!]
  message: String!
}
enum InventoryAdjustQuantitiesUserErrorCode {
  ADJUST_QUANTITIES_FAILED
  CHANGE_FROM_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_AVAILABLE_DOCUMENT
  INVALID_INVENTORY_ITEM
  INVALID_LOCATION
  INVALID_QUANTITY_NAME
  INVALID_QUANTITY_TOO_HIGH
  INVALID_QUANTITY_TOO_LOW
  INVALID_REASON
  INVALID_REFERENCE_DOCUMENT
  NON_MUTABLE_INVENTORY_ITEM
}

type InventoryChange {
  delta: Int!
  item: InventoryItem
  location: Location
  name: String!
  quantityAfterChange: Int
}
type InventoryAdjustmentGroup implements Node {
  changes(inventoryItemIds: [ID!], locationIds: [ID!], quantityNames: [String!]): [InventoryChange!]!
  createdAt: DateTime!
  id: ID!
  reason: String!
  referenceDocumentUri: String
}
type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}
type InventoryAdjustQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventoryAdjustQuantitiesUserError!]!
}
type InventoryActivatePayload { inventoryLevel: InventoryLevel userErrors: [UserError!]! }
type InventoryItemUpdatePayload { inventoryItem: InventoryItem userErrors: [UserError!]! }
type ProductUpdatePayload { product: Product userErrors: [UserError!]! }
"""

SCHEMA = build_schema(SDL + schema_orders.SDL + schema_bulk.SDL)
