//! Execution: hands plugins to the shim and waits for what came of them.
