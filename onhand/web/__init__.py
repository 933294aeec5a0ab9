"""The HTTP app: an overview for people, a read-only API with its documentation, health for machines."""
