"""Column types: for each family of MySQL's types its schemas and how its values are read.

``cdc.types.families.column_type`` is the one way in; ``cdc.types.options`` has the modes. The other
modules are one family each, and what they are made of.
"""
