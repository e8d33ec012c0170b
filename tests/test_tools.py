"""A function as a tool: how it is described, bound to arguments, and what is refused."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from cellmage import Tool, UsageError, tool
from cellmage.tools import describe, tools_by_name


def greet() -> str:
    """Say hello."""
    return "hello"


class TestDescription:
    def test_signature_and_docstring(self) -> None:
        def weather(
            city: str, days: Annotated[int, Field(description="at most 9", le=9)] = 1
        ) -> str:
            """The weather in a city.

            Args:
                city: its name in English.
            """
            return "rain"

        schema = describe(weather)
        assert schema["name"] == "weather"
        assert schema["description"].endswith("city: its name in English.")
        assert schema["parameters"]["required"] == ["city"]
        assert schema["parameters"]["properties"]["days"]["description"] == "at most 9"
        assert Tool(weather).schema == schema

    def test_a_bound_method(self) -> None:
        class Thing:
            def method(self, x: int) -> int:
                """A method."""
                return x

        assert describe(Thing().method)["parameters"]["required"] == ["x"]
        with pytest.raises(UsageError, match=r"object\.method"):
            describe(Thing.method)

    @pytest.mark.parametrize("function", [lambda x: x, len, 3, lambda *x: x])
    def test_functions_that_cannot_be_tools(self, function: Any) -> None:
        with pytest.raises(UsageError, match=r"cannot be a tool|must be a function"):
            Tool(function)
        with pytest.raises(UsageError, match="cannot be a tool"):
            describe(function)

    def test_parameters_without_names(self) -> None:
        def many(x: int, *rows: int) -> None: ...

        def positional(x: int, /) -> None: ...

        with pytest.raises(UsageError, match=r"cannot be a tool: .* \*rows has none; take a list"):
            Tool(many)
        with pytest.raises(UsageError, match="x is positional-only; remove the /"):
            Tool(positional)

    def test_an_unknown_type(self) -> None:
        def odd(x: object) -> None: ...

        odd.__annotations__["x"] = "Nowhere"
        with pytest.raises(UsageError, match="'Nowhere' is not defined"):
            Tool(odd)

    def test_attributes_of_the_function_do_not_reach_the_tool(self) -> None:
        def named() -> None: ...

        named.name, named.seconds = "no name!", "x"  # type: ignore[attr-defined]
        assert (Tool(named).name, Tool(named).seconds) == ("named", 60.0)


class TestDecorator:
    def test_with_arguments(self) -> None:
        @tool(name="sum", seconds=3)
        def add(a: int, b: int) -> int:
            """Add."""
            return a + b

        assert isinstance(add, Tool)
        assert (add.name, add.seconds, add(1, 2), add.__doc__) == ("sum", 3, 3, "Add.")

    def test_type_checkers_know_the_result(self) -> None:
        """``mypy tests/test_tools.py`` reports a missing or an unused ``ignore``."""

        @tool
        def double(x: int) -> int:
            return 2 * x

        @tool(seconds=1)
        def half(x: int) -> float:
            return x / 2

        numbers: list[int] = [double(2), double(x=3)]
        fractions: list[float] = [half(1)]
        assert (numbers, fractions) == ([4, 6], [0.5])
        with pytest.raises(TypeError):
            double("2", "3")  # type: ignore[arg-type, call-arg]

    def test_is_async(self) -> None:
        @tool
        async def later() -> None: ...

        assert later.is_async
        assert not Tool(greet).is_async

    @pytest.mark.parametrize("seconds", ["x", 0, -1])
    def test_a_time_that_is_refused(self, seconds: Any) -> None:
        with pytest.raises(UsageError, match="a number above 0"):
            tool(seconds=seconds)(greet)


class TestByName:
    def test_functions_and_tools(self) -> None:
        renamed = tool(name="hi")(greet)
        assert list(tools_by_name([greet, renamed, greet])) == ["greet", "hi"]
        assert tools_by_name([renamed])["hi"] is renamed

    def test_two_of_one_name(self) -> None:
        with pytest.raises(UsageError, match="same name"):
            tools_by_name([greet, tool(name="greet")(lambda: "hello")])

    def test_a_function_in_place_of_a_list(self) -> None:
        with pytest.raises(UsageError, match=r"tools=\[weather\]"):
            tools_by_name(greet)  # type: ignore[arg-type]
