"""Errors of this program.

::

    PlanAssistantError
    ├── CorpusError           a document is missing, unreadable or no text
    ├── IndexStoreError       the index cannot be opened or built
    ├── RequestError          a question or an input file cannot be taken as it is
    └── SettingsError         a setting has no usable value

Each message is one sentence: what happened, what was found, what to do.
"""


class PlanAssistantError(Exception):
    """Root of the errors whose message is meant for the person at the keyboard."""


class CorpusError(PlanAssistantError):
    """A document is missing, unreadable or no text."""


class IndexStoreError(PlanAssistantError):
    """The index cannot be opened or built."""


class RequestError(PlanAssistantError):
    """A question or an input file cannot be taken as it is."""


class SettingsError(PlanAssistantError):
    """A setting has no usable value."""
