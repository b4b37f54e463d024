"""`pointline serve`: an extractor behind HTTP, and the page on which people try it."""
