"""The rooms behind ``unimarc_to_marc21``: one for each block of the format."""
