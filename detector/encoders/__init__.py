"""In which words: one file per alert format."""
