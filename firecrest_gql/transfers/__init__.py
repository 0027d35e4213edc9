"""Storage: bytes that move into systems, out of them, between them and inside them, by jobs of their own."""
