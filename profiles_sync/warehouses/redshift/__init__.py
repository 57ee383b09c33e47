"""Amazon Redshift: Parquet files in S3, COPY with a role of the cluster's, DELETE and MERGE from temporary tables."""

from profiles_sync.warehouses.redshift.connection import RedshiftConnection
from profiles_sync.warehouses.redshift.settings import RedshiftSettings
from profiles_sync.warehouses.redshift.warehouse import RedshiftWarehouse

__all__ = ["RedshiftConnection", "RedshiftSettings", "RedshiftWarehouse"]
