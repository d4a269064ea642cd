"""The documentation as a site: the pages of docs/, and a reference that is made of the language itself."""
