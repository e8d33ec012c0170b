"""What happens in the forked process, and only there: nothing here may run in the kernel's own."""
