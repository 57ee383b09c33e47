"""The lake: Delta tables under `<lake>/<space slug>/`, without a JVM, or in a Spark catalog."""
