"""Who answers: a request in, events out."""
