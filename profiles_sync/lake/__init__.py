"""The lake: Delta tables under `<lake>/<space slug>/`, read and written without a JVM."""
