-- Azure Synapse for Profiles Sync.
-- A connection is to one database and cannot change it, so run it in two parts, as the server's admin,
-- with the new user's password in SEGMENT_PASSWORD; sqlcmd asks for the admin's.
-- Steps 3 and 4: sqlcmd -I -S SERVER -U ADMIN -d master -i FIRST_PART
-- Steps 5 and 6: sqlcmd -I -S SERVER -U ADMIN -d segment -i SECOND_PART
-- SERVER is WORKSPACE.sql.azuresynapse.net, or NAME.database.windows.net for a pool without a workspace.
-- Steps 2 and 7 are commands of az, to look at and run by hand.

-- 1. Sign up for an Azure subscription

-- 2. Provision a dedicated SQL pool
--    az synapse sql pool create --name segment --performance-level DW200c \
--      --workspace-name WORKSPACE --resource-group RESOURCE_GROUP

-- 3. In the database master: create a login
--    There is no IF NOT EXISTS for it: if it is there, an error says so and the rest goes on.
--    In the variable, write every ' of the password twice.
CREATE LOGIN [Segment] WITH PASSWORD = '$(SEGMENT_PASSWORD)';
GO

-- 4. In the database master: Let the addresses in that Profiles Sync connects from: 203.0.113.7/32, 198.51.100.0/28, 2001:db8::/48
--    The server's firewall takes IPv4 only, so not 2001:db8::/48.
--    A pool in a workspace has the workspace's firewall; there it is this instead:
--    az synapse workspace firewall-rule create --workspace-name WORKSPACE --resource-group RESOURCE_GROUP --name profiles-sync-1 --start-ip-address 203.0.113.7 --end-ip-address 203.0.113.7
--    az synapse workspace firewall-rule create --workspace-name WORKSPACE --resource-group RESOURCE_GROUP --name profiles-sync-2 --start-ip-address 198.51.100.0 --end-ip-address 198.51.100.15
EXEC sp_set_firewall_rule N'profiles-sync 1', '203.0.113.7', '203.0.113.7';
GO
EXEC sp_set_firewall_rule N'profiles-sync 2', '198.51.100.0', '198.51.100.15';
GO

-- 5. In the pool [segment]: create a master key, which encrypts the credentials of the staging storage
IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE name = N'##MS_DatabaseMasterKey##') CREATE MASTER KEY;
GO

-- 6. In the pool [segment]: create a user that controls the pool, with memory enough for bulk loads
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = N'Segment') CREATE USER [Segment] FOR LOGIN [Segment];
GO
GRANT CONTROL ON DATABASE::[segment] TO [Segment];
GO
EXEC sp_addrolemember N'largerc', N'Segment';
GO
IF SCHEMA_ID(N'acme') IS NULL EXEC (N'CREATE SCHEMA [acme]');
GO

-- 7. Let the sync write the container that rows wait in, and the pool read it
--    SYNC_IDENTITY is what the sync runs as: a managed identity or a service principal, by its client ID.
--    POOL_IDENTITY is the managed identity of the pool's workspace, which COPY INTO reads with:
--    az synapse workspace show --name WORKSPACE --resource-group RESOURCE_GROUP --query identity.principalId
--    For a pool on a server without a workspace, it is that of the server: az sql server update --assign-identity.
--    az storage container create --auth-mode login --account-name STORAGE_ACCOUNT --name STORAGE_CONTAINER
--    az role assignment create --role 'Storage Blob Data Contributor' --assignee SYNC_IDENTITY --scope /subscriptions/SUBSCRIPTION/resourceGroups/RESOURCE_GROUP/providers/Microsoft.Storage/storageAccounts/STORAGE_ACCOUNT/blobServices/default/containers/STORAGE_CONTAINER
--    az role assignment create --role 'Storage Blob Data Reader' --assignee POOL_IDENTITY --scope /subscriptions/SUBSCRIPTION/resourceGroups/RESOURCE_GROUP/providers/Microsoft.Storage/storageAccounts/STORAGE_ACCOUNT/blobServices/default/containers/STORAGE_CONTAINER
