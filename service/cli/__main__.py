"""``python -m service.cli``: how one Bookbridge process starts another."""

from service.cli import main

main()
