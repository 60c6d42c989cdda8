"""Checks that every lock resolves on every supported platform; part of `make lock`, or `python -m tools.platforms`.

The check queries the package index for wheels, so it needs the network and is not a test. It records the digests of the
checked locks; a test compares those, so that no lock changes without the check.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.lock import is_isolated, left_out, lock_names
from tools.workspace import PYTHON_VERSION, ROOT, VENV, lock, program

RECORD = ROOT / "requirements/platforms.json"

LINUX_X86, LINUX_ARM, MAC_ARM = "x86_64-manylinux_2_36", "aarch64-manylinux_2_36", "aarch64-apple-darwin"
"""Platform names of uv. Debian 12 has this glibc, the images the same or a newer one; macOS is for `make run`."""
_MACOS = "14.0"
"""The oldest version with wheels of av, the codecs of aiortc."""

_PURE = {"docopt"}
"""Published as source only; builds on any platform with the packages in requirements/build.txt."""
SOURCE_ONLY = {LINUX_X86: _PURE, LINUX_ARM: _PURE | {"pocketsphinx"}, MAC_ARM: _PURE}
"""Packages without a wheel; requirements/recogniser.txt contains what builds pocketsphinx."""


def digests() -> dict[str, str]:
    """Return the digest of each lock that must work on every platform."""
    return {name: hashlib.sha256(lock(name).read_bytes()).hexdigest() for name in _checked()}


def recorded() -> dict[str, object]:
    """Return the expected record for the current locks."""
    without = {platform: sorted(names) for platform, names in SOURCE_ONLY.items()}
    return {"platforms": without, "locks": digests()}


def main() -> int:
    """Check every lock on every platform, and record it.

    Returns:
        0, or the installer's exit code if a package has no wheel for a platform.
    """
    for platform in SOURCE_ONLY:
        for name in _checked():
            if code := _check(name, platform):
                print(f"requirements/{name}.txt does not resolve for {platform}", file=sys.stderr)
                return code
    # Recorded only if every platform has succeeded.
    RECORD.write_text(json.dumps(recorded(), indent=2) + "\n", encoding="utf-8")
    return 0


def _checked() -> list[str]:
    return [name for name in lock_names() if not is_isolated(name)]


def _check(name: str, platform: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        excludes = Path(folder, "excludes.txt")
        excludes.write_text("\n".join([*SOURCE_ONLY[platform], *left_out(name)]), encoding="utf-8")
        # A dry run resolves and downloads metadata, but installs nothing.
        command = [
            str(program(VENV, "uv")), "pip", "install", "--dry-run", "--quiet", "--target", f"{folder}/target",
            "--python-platform", platform, "--python-version", PYTHON_VERSION, "--only-binary", ":all:",
            "--excludes", str(excludes), "--require-hashes", "--requirements", str(lock(name)),
        ]  # fmt: skip
        environ = os.environ | {"MACOSX_DEPLOYMENT_TARGET": _MACOS}
        return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
