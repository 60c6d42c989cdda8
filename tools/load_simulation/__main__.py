"""Print the table of docs/reference/scaling.md: `python -m tools.load_simulation`."""

from tools.load_simulation.results_table import table

if __name__ == "__main__":
    print(table())
