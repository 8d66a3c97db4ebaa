"""Who takes the orders: paper brokers only, one file each."""
