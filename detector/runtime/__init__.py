"""The async rim: what joins streams, the pure path and sinks."""
