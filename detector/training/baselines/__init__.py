"""What others do, on the same uses and the same budget axis, one file per method."""
