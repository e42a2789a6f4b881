"""An evaluation as one HTML page, for people who decide about a show and do not run lfv."""
