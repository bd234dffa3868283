"""Who runs the networks: one protocol (`sdcam.pipeline.networks.Networks`), several runtimes.

`plan` holds the registry of engines, `choice` the decision between the ways to run a model.
"""
