"""``python -m service.cli``: how one Bookbridge process starts another."""

from service.cli import main

if __name__ == "__main__":  # a process that prepares an import looks in here and runs nothing
    main()
