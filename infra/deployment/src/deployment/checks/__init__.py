"""The checks that come before anything is changed, one subject a file."""
