"""The only part open to the internet: authentication, limits, logging, and the protocols GraphQL is spoken over."""
