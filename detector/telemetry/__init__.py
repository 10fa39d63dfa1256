"""What operators see: typed events become metrics, logs and health."""
