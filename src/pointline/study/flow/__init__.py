"""Information flow inside a model: attention times gradient, held against chance."""
