"""The demo: a sample district, a real SMTP sink on this machine, and the main job run end to end."""
