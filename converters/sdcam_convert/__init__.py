"""From checkpoints to what the engines load, and the training of the embedded model."""
