"""The command line and what is served from it."""
