"""The same as `parse.py` for a whole block of lines at once, where numba is; what is not plain goes line by line."""
