"""Who works in a fleet, one file per way of holding credentials."""
