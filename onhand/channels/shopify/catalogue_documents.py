"""The GraphQL documents that walk over all levels and hide products; tests hold each to the published schema."""

from collections.abc import Sequence

from onhand.channels.shopify.documents import Operation

PLACES_MAX = 20
"""Places one walk asks for at once: a page then costs 475 points, and one query may cost 1,000."""


NODE = """id
      inventoryPolicy
      product {{ status }}
      inventoryItem {{
        id
        tracked
{levels}
      }}"""
LEVEL = """        level{number}: inventoryLevel(locationId: {place}, includeInactive: true) {{
          updatedAt
          quantities(names: ["available"]) {{ quantity }}
        }}"""


def walk_levels(places: int) -> Operation:
    """A page of 250 variants with their levels at so many places: 2 + 11 x (3 + 2 for each place) points.

    From the variants' side, because it costs 57 points for one place and 79 for two. From each location's own list of
    levels the same would cost 58 for each: a level's variant and product are two more objects there.
    """
    given = "".join(f", $place{number}: ID!" for number in range(places))
    text = f"""query WalkLevels($after: String, $range: String{given}) {{
  productVariants(first: 250, after: $after, query: $range, sortKey: ID) {{
    nodes {{
      {_node([f"$place{number}" for number in range(places)])}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
    return Operation(f"walk levels at {places} places", text, points=35 + 22 * places)


def bulk_walk(places: Sequence[str]) -> str:
    """The same as a bulk operation wants it: no page, no variables; each variant becomes one line of JSON."""
    return f"""{{
  productVariants {{
    edges {{
      node {{
      {_node([f'"{place}"' for place in places])}
      }}
    }}
  }}
}}"""


def _node(places: Sequence[str]) -> str:
    """What is asked for of each variant; places as GraphQL writes them."""
    levels = [LEVEL.format(number=number, place=place) for number, place in enumerate(places)]
    return NODE.format(levels="\n".join(levels))


COUNT_VARIANTS = Operation(
    "count variants",
    """query CountVariants {
  productVariantsCount(limit: null) { count precision }
}""",
    points=1,
)

RUN_BULK = Operation(
    "start a bulk operation",
    """mutation RunBulk($query: String!) {
  bulkOperationRunQuery(query: $query) {
    bulkOperation { id status }
    userErrors { code field message }
  }
}""",
    points=14,
    writes=True,
)

BULK_STATE = Operation(
    "look at a bulk operation",
    """query BulkState($id: ID!) {
  bulkOperation(id: $id) { id status errorCode objectCount url }
}""",
    points=1,
)

PRODUCTS_OF_ITEMS = Operation(
    "find the products of items",
    """query ProductsOfItems($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id
      variants(first: 1) { nodes { product { id status tags variantsCount { count } } } }
    }
  }
}""",
    points=6,
)

UPDATE_PRODUCT = Operation(
    "show or hide a product",
    """mutation UpdateProduct($product: ProductUpdateInput!) {
  productUpdate(product: $product) {
    product { id status }
    userErrors { field message }
  }
}""",
    points=14,
    writes=True,
)

ALL = (
    walk_levels(1),
    walk_levels(3),
    COUNT_VARIANTS,
    RUN_BULK,
    BULK_STATE,
    PRODUCTS_OF_ITEMS,
    UPDATE_PRODUCT,
)
"""Every document of this module, for the tests; two that name places stand for all of their kind."""
