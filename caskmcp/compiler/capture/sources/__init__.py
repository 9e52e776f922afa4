"""One file a kind of source; `table.py` lists them."""
