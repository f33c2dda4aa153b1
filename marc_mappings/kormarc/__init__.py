"""The rooms behind ``kormarc_to_marc21`` and ``marc21_to_kormarc``."""
