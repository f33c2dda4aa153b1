"""The rooms behind ``marc21_to_unimarc``: one for each block of the format."""
