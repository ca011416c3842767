"""For maintainers of the knowledge base: load, check and compile it. The only room that imports yaml and jsonschema."""
