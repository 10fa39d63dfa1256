"""From signals to incidents: one per principal, paged once."""
