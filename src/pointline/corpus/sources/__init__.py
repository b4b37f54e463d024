"""One file for each original corpus: raw files to records."""
