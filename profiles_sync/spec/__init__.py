"""What Segment says, as plain Python: no Spark, no files, no clock. Read this package first."""
