"""Azure Synapse dedicated SQL pool: Parquet files in a storage account, COPY INTO, and one transaction for the rows."""

from profiles_sync.warehouses.synapse.connection import SynapseConnection
from profiles_sync.warehouses.synapse.settings import SynapseSettings
from profiles_sync.warehouses.synapse.warehouse import SynapseWarehouse

__all__ = ["SynapseConnection", "SynapseSettings", "SynapseWarehouse"]
