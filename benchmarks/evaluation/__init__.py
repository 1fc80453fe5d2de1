"""From measurements to tables, curves and pages, and what other methods say of the same networks."""
