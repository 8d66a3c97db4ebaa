"""What a strategy would have done, and whether it could have: from histories as they were known at the time."""
