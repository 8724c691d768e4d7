"""A todo chatbot on dal: an HTTP API, and the same tools for any model that speaks MCP."""
