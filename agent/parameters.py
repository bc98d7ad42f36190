"""The parameters of a model that a session can set."""

from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticCustomError

from agent.errors import SettingsInvalid


class Parameters(BaseModel):
    """Those that are None are left to the model. How each model takes them is the matter of `agent.models`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0, le=2, description="How freely it chooses its words.")
    top_p: float | None = Field(default=None, ge=0, le=1, description="From how much of the likeliest it chooses.")
    seed: int | None = Field(default=None, ge=0, lt=2**31, description="The same seed gives the same reply.")
    thinking: bool | Literal["low", "medium", "high"] | None = Field(
        default=None, description="Whether, or how long, a model that can think before it answers does so."
    )

    @field_validator("thinking", mode="wrap")
    @classmethod
    def _named(cls, given: Any, check: ValidatorFunctionWrapHandler) -> Any:
        try:
            return check(given)
        except ValidationError as error:
            raise PydanticCustomError("thinking", "it should be true, false, low, medium or high") from error

    @classmethod
    def read(cls, given: dict[str, Any]) -> Self:
        """Raises SettingsInvalid, which names the parameter, its value and what it may be."""
        try:
            return cls(**given)
        except ValidationError as error:
            problem = error.errors()[0]
            if problem["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields)
                raise SettingsInvalid(f"There is no parameter “{problem['loc'][0]}”: there are {known}.") from error
            said = problem["msg"].replace("Input", "it").lower()
            raise SettingsInvalid(f"The parameter {problem['loc'][0]} is {problem['input']!r}, but {said}.") from error

    @property
    def given(self) -> dict[str, Any]:
        """Those that are set."""
        return self.model_dump(exclude_none=True)
