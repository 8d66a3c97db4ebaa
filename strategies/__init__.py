"""How to decide: features of the events table, rules over them, and stacks of rules."""
