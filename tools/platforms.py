"""Check that every lock resolves on every platform we name: `make lock` does it, or `python -m tools.platforms`.

The installer's dry run asks the index for wheels, so it needs the network and is no test. What was checked is written
down beside the locks with their digests; a test compares those, so that no lock changes without the check.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.lock import left_out, lock_names, stands_apart
from tools.workspace import PYTHON_VERSION, ROOT, VENV, lock, program

RECORD = ROOT / "requirements/platforms.json"

LINUX_X86, LINUX_ARM, MAC_ARM = "x86_64-manylinux_2_36", "aarch64-manylinux_2_36", "aarch64-apple-darwin"
"""In uv's words. Debian 12 has this glibc, and the images begin with that or a newer one; a Mac is for `make run`."""
_MACOS = "14.0"
"""The oldest that av, the codecs of aiortc, has wheels for."""

_PURE = {"docopt"}
"""Comes as source only, and builds anywhere with what requirements/build.txt holds."""
SOURCE_ONLY = {LINUX_X86: _PURE, LINUX_ARM: _PURE | {"pocketsphinx"}, MAC_ARM: _PURE}
"""What has no wheel there; requirements/recogniser.txt holds what builds pocketsphinx."""


def digests() -> dict[str, str]:
    """Return the digest of each lock that has to work on every platform."""
    return {name: hashlib.sha256(lock(name).read_bytes()).hexdigest() for name in _checked()}


def recorded() -> dict[str, object]:
    """Return what the record has to hold for the locks as they are."""
    without = {platform: sorted(names) for platform, names in SOURCE_ONLY.items()}
    return {"platforms": without, "locks": digests()}


def main() -> int:
    """Check every lock on every platform, and write down that it was.

    Returns:
        0, or the installer's own code if a package has no wheel for a platform.
    """
    for platform in SOURCE_ONLY:
        for name in _checked():
            if code := _check(name, platform):
                print(f"requirements/{name}.txt does not resolve for {platform}", file=sys.stderr)
                return code
    RECORD.write_text(json.dumps(recorded(), indent=2) + "\n", encoding="utf-8")
    return 0


def _checked() -> list[str]:
    return [name for name in lock_names() if not stands_apart(name)]


def _check(name: str, platform: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        excludes = Path(folder, "excludes.txt")
        excludes.write_text("\n".join([*SOURCE_ONLY[platform], *left_out(name)]), encoding="utf-8")
        command = [
            str(program(VENV, "uv")), "pip", "install", "--dry-run", "--quiet", "--target", f"{folder}/target",
            "--python-platform", platform, "--python-version", PYTHON_VERSION, "--only-binary", ":all:",
            "--excludes", str(excludes), "--require-hashes", "--requirements", str(lock(name)),
        ]  # fmt: skip
        environ = os.environ | {"MACOSX_DEPLOYMENT_TARGET": _MACOS}
        return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
