"""OpenTelemetry: traces as GenAI spans in OTLP JSON, and such spans of any producer as traces."""
