"""Where records come from and alerts go: files, memory and the only door to Kafka."""
