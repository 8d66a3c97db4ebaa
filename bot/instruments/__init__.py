"""From a ticker to an instrument that is proven to be the same share class."""
