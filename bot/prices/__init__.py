"""Where quotes come from when the broker has none."""
