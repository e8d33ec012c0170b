"""The key of an answer, with and without a model that the user names."""

from __future__ import annotations

from cellmage.messages import Message, Request
from cellmage.options import Options
from cellmage.recording import Inputs
from cellmage.recording.inputs import make_inputs


def inputs(model: str, *, is_default_model: bool = False) -> Inputs:
    request = Request((Message("user", "Hi"),), Options())
    return make_inputs(request, model, {}, {}, is_default_model=is_default_model)


def test_a_default_model_has_the_key_of_the_same_model_that_is_named() -> None:
    assert inputs("a", is_default_model=True).key == inputs("a").key
    assert inputs("a", is_default_model=True).key != inputs("b", is_default_model=True).key
    assert inputs("a", is_default_model=True).by_name()["model"].words == "a"


def test_a_default_model_may_be_unknown_and_a_named_one_may_not() -> None:
    default = inputs("a", is_default_model=True).key_without_model
    assert inputs("b", is_default_model=True).key_without_model == default
    assert inputs("a").key_without_model != default
    assert inputs("a").key_without_model != inputs("b").key_without_model
