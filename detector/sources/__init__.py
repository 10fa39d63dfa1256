"""What we can read: one file per log source, each turning the bytes of records into uses."""
