"""How fast the product is: each measure is a ratio of two things timed in the same process. Run by `make bench`."""
