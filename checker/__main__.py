"""``python -m checker``."""

from checker.start import entry_point

if __name__ == "__main__":
    entry_point()
