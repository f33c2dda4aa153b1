"""The rooms behind ``marc21_to_mods``: one for each group of elements."""
