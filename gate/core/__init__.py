"""The words of the project: records and rules that every floor shares. Standard library only."""
