"""Who looks: what people read on the terminal."""
