"""One file per revocation action."""
