"""What the bot remembers, in a SQL database."""
