"""Status: services, systems and parameters, as last checked."""
