"""A small labelled fleet and a named attack, in the native formats of the sources."""
