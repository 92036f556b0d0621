"""The main job as a chain of stages: what is up to date is skipped, what was interrupted goes on."""
