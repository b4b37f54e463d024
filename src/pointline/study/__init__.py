"""Studies: what the trained models and the data say about the Mutual Reinforcement Effect."""
