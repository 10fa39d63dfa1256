"""Named attacks, one file each."""
