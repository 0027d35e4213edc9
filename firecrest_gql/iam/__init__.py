"""Identity: the centre's own provider decides who a caller is."""
