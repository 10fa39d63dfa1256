"""Who is told: one file per destination."""
