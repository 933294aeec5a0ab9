"""Why something failed, without the wrapping that says nothing."""

TEXT_MAX = 1_000

PAUSED = "ChannelPaused"
"""The category of a step that did nothing, since an operator has paused the channel: no failure."""


def reason_of(error: BaseException) -> str:
    """The innermost message of a failed step or child, cut to a length a history can bear."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = getattr(error, "message", "") or str(error) or type(error).__name__
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def category_of(error: BaseException) -> str:
    """The type name of the innermost failure ("RowRejected", "ChannelDown", ...)."""
    while error.__cause__ is not None:
        error = error.__cause__
    return getattr(error, "type", None) or type(error).__name__
