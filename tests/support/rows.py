"""Read what the shipped agents have written, from outside of them."""

import sqlite3
from contextlib import closing
from pathlib import Path


def booked_tables(book: Path) -> list[tuple[str, int, str]]:
    """Return start, people and name of every table of the restaurant's book, also of a cancelled one."""
    if not book.exists():
        return []
    with closing(sqlite3.connect(book)) as rows:
        return list(rows.execute("SELECT starts, people, name FROM bookings ORDER BY reference"))
