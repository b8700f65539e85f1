"""THE WALL: boards, rules, routes and runbooks as code, and the page an operator looks at."""
