"""The selection of mutations: the same for the same seed, and spread over the code base."""

from collections import Counter
from pathlib import Path

import pytest

from tools.mutation.sample import Mutant, sample

MANY = "\n".join(f"def f{number}(a, b):\n    return a < b and a + {number} == b\n" for number in range(20))
FEW = "def f(a):\n    return not a\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Create a workspace of three packages, of which the first has most of the code."""
    (tmp_path / "pyproject.toml").write_text('[tool.workspace]\nmembers = [\n    "one",\n    "two",\n    "three",\n]\n')
    files = {
        "one/src/one/a.py": MANY,
        "one/src/one/deep/b.py": MANY,
        "one/src/one/deep/deeper/c.py": MANY,
        "one/src/one/deep/__init__.py": '"""Nothing to mutate."""\n',
        "two/src/two/d.py": FEW,
        "three/src/three/e.py": FEW,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _of_files(mutants: list[Mutant]) -> Counter[str]:
    return Counter(Path(mutant.file).name for mutant in mutants)


def test_the_same_seed_chooses_the_same(tree: Path) -> None:
    """The same seed selects the same mutations, so that a survivor can be tested again by its number."""
    assert sample(tree, count=9, seed=1) == sample(tree, count=9, seed=1)
    assert sample(tree, count=9, seed=1) != sample(tree, count=9, seed=2)


@pytest.mark.parametrize("seed", range(5))
def test_every_package_has_one_and_the_rest_go_by_size(tree: Path, seed: int) -> None:
    """Every package gets a mutation, and no file gets two before its neighbour has one."""
    mutants = sample(tree, count=13, seed=seed)
    assert [mutant.number for mutant in mutants] == list(range(1, 14))
    assert {mutant.package for mutant in mutants} == {"one", "two", "three"}
    files = _of_files(mutants)
    assert files["a.py"] in {3, 4, 5}
    assert abs(files["b.py"] - files["c.py"]) <= 1


def test_the_kinds_of_mutation_take_turns(tree: Path) -> None:
    """The kinds of mutation alternate, so that numbers do not dominate the sample."""
    kinds = Counter(mutant.operator for mutant in sample(tree, count=12, seed=1))
    assert len(kinds) >= 5
    assert max(kinds.values()) <= 3


def test_no_mutation_is_chosen_twice_and_no_more_than_there_are(tree: Path) -> None:
    """No mutation is selected twice, also when more are requested than exist."""
    assert len(sample(tree, count=2, seed=1)) == 2
    everything = sample(tree, count=2000, seed=1)
    assert len({(mutant.file, mutant.mutated) for mutant in everything}) == len(everything) < 2000


def test_a_mutant_says_where_it_is_and_what_it_changes(tree: Path) -> None:
    """A row shows where a mutation is and what it changes."""
    (mutant,) = [
        each for each in sample(tree, count=2000, seed=1) if each.file.endswith("d.py") and each.after != "return None"
    ]
    assert mutant.place == "two/src/two/d.py:2"
    assert (mutant.before, mutant.after) == ("return not a", "return a")
    assert mutant.original == FEW
    assert mutant.mutated == FEW.replace("not ", "")
