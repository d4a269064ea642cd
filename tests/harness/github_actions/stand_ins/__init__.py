"""Programs that no machine of the tests has, or that would download: each does its part with what is here."""
