"""What turns text into records."""
