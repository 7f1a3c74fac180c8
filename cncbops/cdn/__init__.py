"""CloudFront: what of a distribution is to be fetched anew, and the invalidations that see to it."""
