"""CloudFormation's functions, worked out from the parameters alone: conditions, rules, and what they choose between."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_NO_VALUE: Final = "AWS::NoValue"


class UnknowableError(Exception):
    """It depends on something that only AWS knows, such as an attribute of a resource."""


class Expressions:
    """A template together with the values of its parameters."""

    def __init__(self, body: Mapping[str, Any], given: Mapping[str, str]) -> None:
        """Take a template with its functions in their long form, and the parameters that are not left to defaults."""
        declared: Mapping[str, Any] = body.get("Parameters", {})
        self._body = body
        self._values = {name: given.get(name, one.get("Default")) for name, one in declared.items()} | {
            name: value for name, value in given.items() if name.startswith("AWS::")
        }
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
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
        """Tell whether a condition of the template holds.

        Raises:
            UnknowableError: it depends on more than the parameters.
        """
        return self.holds(self._body["Conditions"][name])

    def holds(self, node: Any) -> bool:  # noqa: ANN401 - JSON
        """Tell whether an expression that is true or false is true."""
        found = self.resolve(node)
        if not isinstance(found, bool):
            raise UnknowableError(f"{node} is neither true nor false")
        return found

    def value(self, node: Any) -> str:  # noqa: ANN401 - JSON
        """Return an expression's text; a number is written as CloudFormation compares it."""
        return str(self.resolve(node))

    def values(self, node: Any) -> list[str]:  # noqa: ANN401 - JSON
        """Return a list's texts, without those that are no value."""
        found = self.resolve(node)
        listed: Sequence[Any] = found.split(",") if isinstance(found, str) else found
        resolved = [self.resolve(one) for one in listed]
        return [str(one) for one in resolved if one is not None]

    def resolve(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        """Work one expression out; what is no function stays as it is."""
        if not isinstance(node, Mapping) or len(node) != 1:
            return node
        ((name, argument),) = node.items()
        if name in self._functions:
            return self._functions[name](argument)
        if str(name).startswith("Fn::"):
            raise UnknowableError(f"{name} is known to AWS alone")
        return node

    def _ref(self, name: str) -> Any:  # noqa: ANN401 - JSON
        if name == _NO_VALUE:
            return None
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
