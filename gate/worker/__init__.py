"""The scanning processes: what runs on the other side of the wall that `gate.isolation` builds."""
