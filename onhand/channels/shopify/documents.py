"""The GraphQL documents about levels; tests hold each to the schema Shopify publishes for 2026-10."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One document. `points` is what one unit of it costs before the shop has told us better."""

    name: str
    text: str
    points: float
    writes: bool = False


SET_QUANTITIES = Operation(
    "set quantities",
    """mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup {
      id
      changes(quantityNames: ["available"]) { name delta item { id } location { id } }
    }
    userErrors { code field message }
  }
}""",
    points=14,
    writes=True,
)


def adjust_quantities(places: int) -> Operation:
    """Change levels at so many places; the answer is asked for the levels after, one alias for each place.

    The platform's own `quantityAfterChange` comes back null from real shops, so it is only the second choice.
    """
    given = "".join(f", $place{number}: ID!" for number in range(places))
    levels = "\n".join(
        f"          level{number}: inventoryLevel(locationId: $place{number}, includeInactive: true) "
        '{ quantities(names: ["available"]) { quantity } }'
        for number in range(places)
    )
    text = f"""mutation AdjustQuantities($input: InventoryAdjustQuantitiesInput!, $key: String!{given}) {{
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {{
    inventoryAdjustmentGroup {{
      id
      changes(quantityNames: ["available"]) {{
        name
        delta
        quantityAfterChange
        location {{ id }}
        item {{
          id
{levels}
        }}
      }}
    }}
    userErrors {{ code field message }}
  }}
}}"""
    return Operation(f"change quantities at {places} places", text, points=14, writes=True)


ACTIVATE = Operation(
    "activate at a location",
    """mutation Activate($item: ID!, $place: ID!, $key: String!) {
  inventoryActivate(inventoryItemId: $item, locationId: $place) @idempotent(key: $key) {
    inventoryLevel { id }
    userErrors { field message }
  }
}""",
    points=14,
    writes=True,
)

TRACK = Operation(
    "turn tracking on",
    """mutation Track($item: ID!) {
  inventoryItemUpdate(id: $item, input: { tracked: true }) {
    inventoryItem { id tracked }
    userErrors { field message }
  }
}""",
    points=14,
    writes=True,
)

LEVELS_IN_RANGE = Operation(
    "read levels in a range",
    """query LevelsInRange($place: ID!, $after: String, $range: String!) {
  location(id: $place) {
    inventoryLevels(first: 250, after: $after, query: $range) {
      nodes { item { id tracked } quantities(names: ["available"]) { quantity } }
      pageInfo { hasNextPage endCursor }
    }
  }
}""",
    points=36,
)

LEVELS_BY_ID = Operation(
    "read levels by id",
    """query LevelsById($place: ID!, $ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id
      tracked
      inventoryLevel(locationId: $place, includeInactive: true) {
        quantities(names: ["available"]) { quantity }
      }
    }
  }
  location(id: $place) { id }
}""",
    points=3,
)

VARIANTS = Operation(
    "list variants",
    """query Variants($after: String, $range: String) {
  productVariants(first: 250, after: $after, query: $range, sortKey: ID) {
    nodes {
      id
      sku
      barcode
      title
      requiresComponents
      inventoryItem { id tracked }
      product { id title }
    }
    pageInfo { hasNextPage endCursor }
  }
}""",
    points=35,
)

SETTINGS = Operation(
    "read the shop's settings",
    """query Settings {
  shop { name }
  currentAppInstallation { accessScopes { handle } }
  locations(first: 250, includeInactive: true, includeLegacy: true) {
    nodes { id name isActive isFulfillmentService }
  }
}""",
    points=30,
)

ALL = (
    SET_QUANTITIES,
    adjust_quantities(1),
    adjust_quantities(3),
    ACTIVATE,
    TRACK,
    LEVELS_IN_RANGE,
    LEVELS_BY_ID,
    VARIANTS,
    SETTINGS,
)
"""Every document about levels, for the tests; two that name places stand for all of their kind."""
