"""What operators and the console read and change, without a JVM: the syncs and the lock of a space."""
