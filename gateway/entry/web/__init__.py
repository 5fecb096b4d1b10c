"""The pages of people: what is missing, for whom, since when; one style sheet, one small module."""
