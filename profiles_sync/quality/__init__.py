"""Whether the rows of a batch are as they should be, before they are merged into a warehouse."""
