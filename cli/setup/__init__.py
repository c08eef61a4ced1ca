"""From a bare server to go-live: the sitting that writes the settings, and what is still missing afterwards."""
