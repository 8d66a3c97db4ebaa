"""Two daemons over one store: killed, stopped, woken up and cut off at random, and never two writers."""
