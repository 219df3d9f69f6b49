"""Files of weights that anybody may have written, read without running what is in them."""
