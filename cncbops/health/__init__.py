"""Is each region fit to serve? Probes of a region's own services, each for itself, and a verdict for each region."""
