"""`voice-agent doctor --live`: tests on real accounts what AWS does not document. It costs money."""
