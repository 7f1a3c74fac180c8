"""Taking a region out of service by its check function, and putting it back."""
