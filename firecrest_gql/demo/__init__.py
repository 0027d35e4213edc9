"""The demo: every part of the service started on loopback, with real stores and a development identity provider."""
