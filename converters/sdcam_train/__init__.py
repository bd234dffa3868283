"""Trains `pocket`, the embedded model: teachers, data, autoencoder, joint stage, evaluation."""
