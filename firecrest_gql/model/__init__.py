"""The domain's values: frozen dataclasses that the services return and GraphQL types read."""
