"""firecrest-gql: supercomputers behind one GraphQL endpoint."""
