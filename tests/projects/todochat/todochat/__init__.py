"""A todo chatbot that keeps labels and reminders of its own beside dal's tables."""
