"""Many hosts: what runs where. `planning.fleet_plan` is the one door; `problem` states the objective."""
