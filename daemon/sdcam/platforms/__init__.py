"""Facts of an operating system, each written once: names, device nodes, drivers, /proc."""
