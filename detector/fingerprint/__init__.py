"""How a credential is used: facets of a use as hashes and ladders."""
