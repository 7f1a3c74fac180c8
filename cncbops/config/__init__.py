"""`cncbops.toml`: what is watched, the names of a stage, and profiles, in files near the work and of the user."""
