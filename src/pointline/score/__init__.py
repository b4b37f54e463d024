"""TL, WL and ALL, and how sure one can be of them."""
