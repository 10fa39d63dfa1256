"""One file per native format: how a call looks in the log of a source."""
