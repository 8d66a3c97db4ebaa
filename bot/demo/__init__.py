"""A small self-made market of fictional companies and people, and local stand-ins of the outside services."""
