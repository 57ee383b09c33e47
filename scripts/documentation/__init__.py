"""Makes the documentation site: its pages from `docs`, the README, and the code's own declarations."""
