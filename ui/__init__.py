"""The chat page, the widget and the HTTP API."""

import os

# Read by Gradio while it is imported; left at its default it calls out at start.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
