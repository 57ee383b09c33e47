"""What operators and the console read and change, without a JVM: syncs, lock, schedule and alerts of a space."""
