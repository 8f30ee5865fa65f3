"""The rules that objects must keep, by topic; `objects.validation` is the door."""
