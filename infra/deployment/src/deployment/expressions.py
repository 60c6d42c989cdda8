"""Evaluates CloudFormation's intrinsic functions from the parameters alone: conditions, rules, and what they select."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_NO_VALUE: Final = "AWS::NoValue"


class UnknowableError(Exception):
    """The value depends on something that only AWS knows, such as an attribute of a resource."""


class Expressions:
    """A template with the values of its parameters."""

    def __init__(self, body: Mapping[str, Any], given: Mapping[str, str]) -> None:
        """Keep a template with its functions in long form, and the parameters that differ from their defaults."""
        declared: Mapping[str, Any] = body.get("Parameters", {})
        self._body = body
        # Pseudo parameters such as AWS::Region are given like parameters.
        self._values = {name: given.get(name, one.get("Default")) for name, one in declared.items()} | {
            name: value for name, value in given.items() if name.startswith("AWS::")
        }
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            # CloudFormation compares texts, so 1024 equals "1024".
            "Fn::Equals": lambda pair: self.value(pair[0]) == self.value(pair[1]),
            "Fn::Not": lambda one: not self.holds(one[0]),
            "Fn::And": lambda every: all(self.holds(one) for one in every),
            "Fn::Or": lambda every: any(self.holds(one) for one in every),
            "Fn::If": self._if,
            "Fn::FindInMap": self._mapped,
            "Fn::Contains": lambda pair: self.value(pair[1]) in self.values(pair[0]),
            "Fn::Join": lambda parts: str(parts[0]).join(self.values(parts[1])),
            "Fn::Split": lambda parts: self.value(parts[1]).split(parts[0]),
            "Fn::Select": lambda parts: self.values(parts[1])[int(self.value(parts[0]))],
        }

    def condition(self, name: str) -> bool:
        """Return whether a condition of the template holds.

        Raises:
            UnknowableError: It depends on more than the parameters.
        """
        return self.holds(self._body["Conditions"][name])

    def holds(self, node: Any) -> bool:  # noqa: ANN401 - JSON
        """Evaluate an expression to a boolean."""
        found = self.resolve(node)
        # An unresolved function is a mapping, not a boolean.
        if not isinstance(found, bool):
            raise UnknowableError(f"{node} is not a boolean")
        return found

    def value(self, node: Any) -> str:  # noqa: ANN401 - JSON
        """Evaluate an expression to text; CloudFormation compares numbers as text too."""
        return str(self.resolve(node))

    def values(self, node: Any) -> list[str]:  # noqa: ANN401 - JSON
        """Evaluate a list to texts, without AWS::NoValue."""
        found = self.resolve(node)
        # A parameter of a list type arrives as text with commas.
        listed: Sequence[Any] = found.split(",") if isinstance(found, str) else found
        resolved = [self.resolve(one) for one in listed]
        return [str(one) for one in resolved if one is not None]

    def resolve(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        """Evaluate one expression; anything that is not a function is returned as it is."""
        # A function is a mapping with exactly one key.
        if not isinstance(node, Mapping) or len(node) != 1:
            return node
        ((name, argument),) = node.items()
        if name in self._functions:
            return self._functions[name](argument)
        # Fn::ImportValue and Fn::GetAtt, for example.
        if str(name).startswith("Fn::"):
            raise UnknowableError(f"only AWS can evaluate {name}")
        return node

    def _ref(self, name: str) -> Any:  # noqa: ANN401 - JSON
        if name == _NO_VALUE:
            return None
        # No value and no default: a resource, or a parameter that is given later.
        if self._values.get(name) is None:
            raise UnknowableError(f"{name} is not a parameter with a value")
        return self._values[name]

    def _if(self, parts: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
        condition, then, otherwise = parts
        return self.resolve(then if self.condition(condition) else otherwise)

    def _mapped(self, path: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
        found: Any = self._body["Mappings"]
        for step in path:
            found = found[self.value(step)]
        return found
