"""The fault laboratory: a bot that is killed for real, before brokers that fail in every way they are known to."""
