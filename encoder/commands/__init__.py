"""The subcommands of `lfv`, one module each: HELP, EXAMPLES, `add_arguments(parser)` and `run(args) -> exit code`."""
