"""A local stand-in of lemon.markets, whose service is gone: a paper broker that works, and fails when told to."""
