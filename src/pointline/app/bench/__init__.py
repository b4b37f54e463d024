"""The benchmarks of a clone: its scripts, their results, and the tables that the pages print."""
