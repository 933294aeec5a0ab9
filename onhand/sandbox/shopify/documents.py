"""GraphQL documents: parsed, validated against the sandbox's schema and flattened once, then kept by their text."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
    validate,
    value_from_ast_untyped,
)

from onhand.sandbox.shopify.problems import Problem
from onhand.sandbox.shopify.schema import SCHEMA

DOCUMENTS_MAX = 500
"""Parsed documents kept. An app has a handful; who builds texts with values inside pays for parsing each time."""

UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")

Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One selected field. `only_on` names the type it was asked for inside a fragment, empty for any type."""

    key: str
    name: str
    only_on: str
    constants: dict[str, Any]
    dynamic: tuple[tuple[str, ValueNode], ...]
    idempotent: ValueNode | None
    selection: tuple["Field", ...]

    def arguments(self, variables: Variables) -> dict[str, Any]:
        """The arguments of this call; a variable that was not given leaves its argument out."""
        if not self.dynamic:
            return self.constants
        given = dict(self.constants)
        for name, node in self.dynamic:
            if not isinstance(node, VariableNode):
                given[name] = value_from_ast_untyped(node, variables)
            elif node.name.value in variables:
                given[name] = variables[node.name.value]
        return given

    def sub(self, name: str) -> tuple["Field", ...]:
        """The selection below the direct child called `name`, empty where it is not selected."""
        return next((child.selection for child in self.selection if child.name == name), ())


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document, ready to run."""

    kind: str
    roots: tuple[Field, ...]
    variables: tuple[VariableDefinitionNode, ...]


@lru_cache(maxsize=DOCUMENTS_MAX)
def operation(text: str, name: str | None) -> Operation:
    """The operation called `name` (or the only one) of a document; raises Problem when it breaks the schema."""
    document = _parsed(text)
    found = [
        node
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode) and (name is None or _name(node) == name)
    ]
    if len(found) != 1:
        raise Problem(f"No operation named {name!r}, or more than one operation and no name", "badRequest")
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    roots = _flatten(found[0].selection_set, fragments, "")
    return Operation(found[0].operation.value, roots, tuple(found[0].variable_definitions or ()))


def _parsed(text: str) -> DocumentNode:
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        raise Problem(error.message, "syntaxError") from error
    if errors := validate(SCHEMA, document):
        raise _problem(errors[0])
    return document


def _problem(error: GraphQLError) -> Problem:
    if match := UNKNOWN_FIELD.search(error.message):
        field, kind = match.groups()
        message = f"Field '{field}' doesn't exist on type '{kind}'"
        return Problem(message, "undefinedField", typeName=kind, fieldName=field)
    return Problem(error.message, "badRequest")


def _name(node: OperationDefinitionNode) -> str | None:
    return node.name.value if node.name else None


def _flatten(
    selection: SelectionSetNode | None, fragments: dict[str, FragmentDefinitionNode], only_on: str
) -> tuple[Field, ...]:
    fields: list[Field] = []
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            fields.append(_field(node, fragments, only_on))
        elif isinstance(node, InlineFragmentNode):
            kind = node.type_condition.name.value if node.type_condition else only_on
            fields.extend(_flatten(node.selection_set, fragments, kind))
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            fields.extend(_flatten(fragment.selection_set, fragments, fragment.type_condition.name.value))
    return tuple(fields)


def _field(node: FieldNode, fragments: dict[str, FragmentDefinitionNode], only_on: str) -> Field:
    given = [(argument.name.value, argument.value) for argument in node.arguments or ()]
    constants = {name: value_from_ast_untyped(value) for name, value in given if not _has_variable(value)}
    return Field(
        key=node.alias.value if node.alias else node.name.value,
        name=node.name.value,
        only_on=only_on,
        constants=constants,
        dynamic=tuple((name, value) for name, value in given if _has_variable(value)),
        idempotent=next((each.arguments[0].value for each in node.directives or () if each.arguments), None),
        selection=_flatten(node.selection_set, fragments, ""),
    )


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_has_variable(value) for value in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variable(field.value) for field in node.fields)
    return isinstance(node, VariableNode)
