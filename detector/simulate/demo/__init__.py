"""The small fleet of `detector demo`: one week, two accounts, one theft."""
