"""Reading: any text into data, places and findings, never an exception."""
