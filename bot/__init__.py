"""insiderbot: follow company executives' own trades, on paper, and say why."""
