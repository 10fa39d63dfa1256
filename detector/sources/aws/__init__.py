"""What the logs of AWS have in common: who is calling, and what a call does to credentials. Not a source itself."""
