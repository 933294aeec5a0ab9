"""The part of the schema that bulk operations and counts are of."""

SDL = """
extend type QueryRoot {
  bulkOperation(id: ID!): BulkOperation
  productVariantsCount(limit: Int = 10000, query: String): Count
}

extend type Mutation {
  bulkOperationRunQuery(groupObjects: Boolean! = false, query: String!): BulkOperationRunQueryPayload
}

type Count { count: Int! precision: CountPrecision! }
enum CountPrecision { AT_LEAST EXACT }

type BulkOperation implements Node {
  completedAt: DateTime
  createdAt: DateTime!
  errorCode: BulkOperationErrorCode
  id: ID!
  objectCount: UnsignedInt64!
  query: String!
  status: BulkOperationStatus!
  url: URL
}
enum BulkOperationErrorCode { ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT }
enum BulkOperationStatus { CANCELED CANCELING COMPLETED CREATED EXPIRED FAILED RUNNING }
type BulkOperationRunQueryPayload { bulkOperation: BulkOperation userErrors: [BulkOperationUserError!]! }
type BulkOperationUserError implements DisplayableError {
  code: BulkOperationUserErrorCode
  field: [String!]
  message: String!
}
enum BulkOperationUserErrorCode { INVALID LIMIT_REACHED OPERATION_IN_PROGRESS }
"""
