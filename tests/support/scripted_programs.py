"""Programs with scripted answers, which record how they were called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deployment.subprocesses import Finished

DOCKER = {
    "docker version": Finished(0, "28.2.2\n"),
    "docker buildx inspect": Finished(0, "Name: default\nPlatforms: linux/amd64, linux/arm64\n"),
    "docker login": Finished(0, "Login Succeeded\n"),
    "docker buildx build": Finished(0, "#1 building\n#2 pushing\n"),
}
GIT = {
    "git rev-parse": Finished(0, "0a1b2c3d4e5f\n"),
    "git status": Finished(0, ""),
}


@dataclass
class ScriptedPrograms:
    """Answers by the first prefix that the command begins with."""

    answers: Mapping[str, Finished] = field(default_factory=lambda: {**DOCKER, **GIT})
    commands: list[str] = field(default_factory=list)
    stdins: list[str] = field(default_factory=list)
    envs: list[Mapping[str, str]] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float = 30,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Return the scripted answer; a program without one does not exist."""
        assert seconds > 0
        text = " ".join(command)
        self.commands.append(text)
        self.stdins.append(stdin)
        self.envs.append(env or {})
        done = next((answer for begin, answer in self.answers.items() if begin in text), Finished(127, "not found"))
        for line in done.output.splitlines() if on_line else []:
            on_line(line)  # type: ignore[misc]
        return done

    def begun_with(self, words: str) -> list[str]:
        """List the commands with this prefix."""
        return [command for command in self.commands if command.startswith(words)]
