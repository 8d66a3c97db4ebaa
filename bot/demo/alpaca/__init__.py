"""A stand-in of Alpaca's paper trading and market data."""
