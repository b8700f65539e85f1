"""What the door and everyone indoors agree on: telemetry, plan, inventory, control, frames, topics, the bus."""
