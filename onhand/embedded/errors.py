"""What can go wrong with the embedded servers.

EmbeddedError
├── AlreadyRunning   another stack holds this data folder
├── NoPlace          the database server has no user or folder to run as and in
├── StartFailed      a server did not come up
└── GaveUp           a server came up and died too often
"""


class EmbeddedError(Exception):
    """An embedded server cannot be used; the message says what was tried, what was seen and what to do."""


class AlreadyRunning(EmbeddedError):
    """Another process runs the stack of this data folder."""


class NoPlace(EmbeddedError):
    """There is no user or folder in which the database server could run."""


class StartFailed(EmbeddedError):
    """A server did not come up."""


class GaveUp(EmbeddedError):
    """A server died too often within a minute and is not started again."""
