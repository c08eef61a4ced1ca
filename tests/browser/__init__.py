"""The pages in a real browser."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""Any of these will do; `.ci/run` installs the first where there is none."""
