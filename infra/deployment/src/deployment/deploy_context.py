"""Creates the objects that a command works with: environment, stacks, AWS clients, terminal."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deployment import sizes
from deployment import target_environment as environments
from deployment.aws import Aws, AwsFailure, short
from deployment.chosen import Chosen, choose
from deployment.cloudformation import CloudFormation
from deployment.console import CheckMark, Screen
from deployment.deploy_options import Options
from deployment.errors import DeploymentError, UsageError
from deployment.offline import NoAws, NotAskedError, connect
from deployment.stacks import Stacks, stacks_of
from deployment.subprocesses import Programs, RealPrograms
from deployment.target_environment import TargetEnvironment
from deployment.template import StackTemplate
from deployment.timeouts import Timeouts

ROOT: Final = Path(__file__).resolve().parents[4]
NEWEST: Final = "newest"
"""Placeholder for a model ID: selects the newest model that the region offers."""


@dataclass
class DeployContext:
    """One command on one environment."""

    options: Options
    environment: TargetEnvironment
    stacks: Stacks
    aws: Aws
    cloudformation: CloudFormation
    screen: Screen
    programs: Programs
    patience: Timeouts
    environments: list[str] = field(default_factory=list)
    """Names of all environments, which share the registry."""
    found: dict[str, str] = field(default_factory=dict)
    """Parameters that are determined on the way: the images' tag, the public URL."""
    before: dict[str, str] = field(default_factory=dict)
    """Tags of the images that services ran before this run changed them, by service."""
    set_aside: frozenset[str] = frozenset()
    """Parameters whose value no template allows; a plan continues with their defaults."""

    def setting(self, template: str, parameter: str, service: str = "") -> str:
        """Return a parameter's value, for one service if given: the environment's, or the template's default."""
        # The templates' defaults are the defaults: nothing is repeated in this package.
        path = self.stacks.registry.template.path.with_name(f"{template}.yaml")
        return sizes.of(service, self.environment.parameters).get(parameter) or StackTemplate(path).default(parameter)

    def places(self, service: str) -> int:
        """Return how many conversations a task of a service admits."""
        # The same mapping that the task definition uses for MAX_SESSIONS.
        template = StackTemplate(self.stacks.registry.template.path.with_name("service.yaml"))
        return int(template.mapped("Places", service, self.setting("service", "Cpu", service)))

    @property
    def listener(self) -> str:
        """ARN of the listener for calls and page requests; before it exists, a placeholder of the same form."""
        outputs = self.cloudformation.outputs(self.stacks["edge"])
        # A placeholder lets the plan check canary.yaml's parameters before edge.yaml is deployed.
        not_yet = f"arn:aws:elasticloadbalancing:{self.aws.region}:000000000000:listener/not-yet"
        return outputs.get("ListenerArn") or not_yet

    def chosen(self, service: str) -> Chosen:
        """Return all parameters of a service's stacks."""
        return choose(self.environment, self.stacks, service)

    def go_on_without(self, names: frozenset[str]) -> None:
        """Set invalid parameters aside: every later step uses their defaults."""
        self.set_aside = names
        # Also remove the variants for one service, such as PhoneCpu for Cpu.
        aside = names | {sizes.own(service, name) for service in sizes.SERVICES for name in names}
        kept = {name: value for name, value in self.environment.parameters.items() if name not in aside}
        self.environment = TargetEnvironment(self.environment.name, kept)

    @property
    def is_offline(self) -> bool:
        """Whether requests to AWS have been stopped."""
        return isinstance(self.aws, NoAws)

    def go_offline(self) -> None:
        """Stop sending requests to AWS: it is unreachable, or rejects the credentials."""
        self.aws = NoAws(self.aws.region, self.aws.model_region, NotAskedError())
        self.cloudformation = CloudFormation(self.aws, self.patience, self.screen.progress, self.options.role)

    @property
    def model(self) -> str:
        """Bedrock ID of the model that tasks may invoke."""
        # "newest" is resolved by the template, so that the IAM policy and the task always agree.
        wanted = self.setting("service", "NovaSonicModelId")
        return self.stacks["permissions"].template.mapped("Models", "Newest", "Id") if wanted == NEWEST else wanted

    @property
    def model_regions(self) -> list[str]:
        """Regions that are known to offer the newest model."""
        return self.stacks["permissions"].template.choices("RegionOffersTheModel")


def open_job(
    options: Options, screen: Screen, programs: Programs | None, patience: Timeouts, root: Path = ROOT
) -> DeployContext:
    """Read the environment and create the clients.

    Raises:
        UsageError: There is no such environment, or its file is not valid.
    """
    templates = root / "infra/cloudformation"
    # Installed as a package, this code has no templates beside it.
    if not templates.is_dir():
        raise UsageError(f"{templates} does not exist: deploy from a checkout of the repository")
    environment = environments.load(root / "infra/environments", options.environment)
    if options.region:
        environment = TargetEnvironment(environment.name, {**environment.parameters, "Region": options.region})
    stacks = stacks_of(environment, templates, strict=not options.lenient)
    # As in the templates: audio leaves the region of the stacks only if the environment names another one.
    model_region = environment.parameters.get("NovaSonicRegion") or environment.region
    aws = connect(environment.region, model_region)
    cloudformation = CloudFormation(aws, patience, screen.progress, options.role)
    programs = programs or RealPrograms(root)
    every = environments.names(root / "infra/environments")
    return DeployContext(options, environment, stacks, aws, cloudformation, screen, programs, patience, every)


def run(  # noqa: PLR0913 - only tests replace the last four
    command: Callable[[DeployContext], int],
    options: Options,
    *,
    screen: Screen | None = None,
    programs: Programs | None = None,
    patience: Timeouts | None = None,
    root: Path = ROOT,
) -> int:
    """Run a command, print an error as a message with advice, and return the exit code."""
    screen = screen or new_screen()
    try:
        return command(open_job(options, screen, programs, patience or Timeouts(), root))
    except DeploymentError as error:
        screen.heading("Stopped")
        # Errors of our own come with advice.
        screen.row(CheckMark.BAD, "what happened", error.what)
        for line in error.advice:
            screen.advise(line)
        return error.code
    except AwsFailure as error:
        screen.heading("Stopped")
        screen.row(
            CheckMark.BAD, "AWS", short(error), ["fix that and run the same command again: it continues from here"]
        )
        return 1
    except (KeyboardInterrupt, EOFError):
        # CloudFormation and ECS continue without us, so interrupting is safe.
        screen.heading("Stopped")
        screen.advise("AWS continues what was started; the same command waits for it and continues from there")
        # 128 + SIGINT, as shells report it.
        return 130


def new_screen() -> Screen:
    """Return the terminal that the commands print to."""
    return Screen(sys.stdout)
