"""Texts by the million: files in, Parquet out, by workers of this machine or of a cluster."""
