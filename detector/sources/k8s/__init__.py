"""What one Kubernetes audit event says: its fields, who is calling, what it does to others. Not a source itself."""
