"""Who answers: plain async functions over the services, returning the domain's values."""
