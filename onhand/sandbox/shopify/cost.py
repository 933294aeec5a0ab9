"""What a call costs in points, by the rule observed on the real platform (apis/shopify.md, sections 2 and 3).

A scalar costs nothing, an object 1, a mutation 10; a connection 2 + g(n) x (1 + the cost of one node), with
g growing slowly in the page size n. Not covered by the observations: a plain list with a `first`, taken for g(n)
objects; and `nodes(ids:)`, taken as the number of ids times the cost of one node, which is not less than what the
platform can ask.
"""

from bisect import bisect_left

from graphql import GraphQLObjectType, get_named_type

from onhand.sandbox.shopify.documents import Field, Operation, Variables
from onhand.sandbox.shopify.schema import SCHEMA

MUTATION_POINTS = 10
CONNECTION_POINTS = 2
COST_MAX = 1_000
"""One query may cost at most this, whatever the plan."""

PAGE_SIZES = (0, 1, 5, 10, 50, 100, 250)
PAGE_POINTS = (0, 1, 3, 4, 7, 9, 11)


def page_points(size: int) -> int:
    """g(n) of the rule: points for a page of `size` nodes that cost 1 each."""
    return PAGE_POINTS[min(bisect_left(PAGE_SIZES, size), len(PAGE_POINTS) - 1)]


def requested_cost(operation: Operation, variables: Variables) -> int:
    """The points reserved before the operation runs."""
    if operation.kind == "mutation":
        return sum(MUTATION_POINTS + _payload_cost(root) for root in operation.roots)
    query = SCHEMA.query_type
    assert query is not None
    return sum(field_cost(query, root, variables) for root in operation.roots)


def _payload_cost(root: Field) -> int:
    """Only the objects right in a mutation's answer count; what hangs below them was never seen to."""
    return sum(1 for child in root.selection if child.selection)


def node_cost(kind: GraphQLObjectType, selection: tuple[Field, ...], variables: Variables) -> int:
    """The cost of one object with what is selected of it."""
    fields = [field for field in selection if field.name in kind.fields]
    return 1 + sum(field_cost(kind, field, variables) for field in fields)


def field_cost(parent: GraphQLObjectType, field: Field, variables: Variables) -> int:
    """The cost of one selected field of an object."""
    if not field.selection:
        return 0
    kind = get_named_type(parent.fields[field.name].type)
    if field.name == "nodes" and parent is SCHEMA.query_type:
        ids = field.arguments(variables).get("ids") or []
        return len(ids) * max(node_cost(each, field.selection, variables) for each in _asked_for(field))
    assert isinstance(kind, GraphQLObjectType), f"{parent.name}.{field.name} is not an object"
    if kind.name.endswith("Connection"):
        size = int(field.arguments(variables).get("first") or 0)
        node = get_named_type(kind.fields["nodes"].type)
        assert isinstance(node, GraphQLObjectType)
        return CONNECTION_POINTS + page_points(size) * node_cost(node, field.sub("nodes"), variables)
    many = page_points(int(field.arguments(variables).get("first") or 1))
    return many * node_cost(kind, field.selection, variables)


def _asked_for(field: Field) -> list[GraphQLObjectType]:
    names = {child.only_on for child in field.selection} - {"", "Node"} or {"InventoryItem"}
    kinds = [SCHEMA.type_map[name] for name in sorted(names)]
    return [kind for kind in kinds if isinstance(kind, GraphQLObjectType)]
