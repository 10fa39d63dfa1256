"""What would be done about an incident: plans of revocations, never sent by detect."""
