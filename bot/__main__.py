"""`python -m bot` is `insiderbot`."""

from bot.cli import main

main()
