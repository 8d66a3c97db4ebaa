"""Where exchange rates come from: the ECB's daily reference rates, or your own file of them."""
