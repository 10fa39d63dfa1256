"""What the evidence means: one file per detection."""
