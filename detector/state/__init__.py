"""What is remembered: bounded integer columns per shard."""
