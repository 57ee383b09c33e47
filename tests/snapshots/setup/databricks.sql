-- Databricks for Profiles Sync. It may be run again; what is there stays.
-- Run it as an admin of the metastore, in a workspace with Unity Catalog.

-- 1. Create a service principal, if there is none
--    databricks service-principals create --json '{"displayName": "Segment Profiles Sync", "entitlements": [{"value": "databricks-sql-access"}]}'
--    Print this again with the applicationId that it answers: --user APPLICATION_ID.
--    An OAuth secret, which is shown once: Settings > Identity and access > Service principals > Secrets.

-- 2. Let it use the SQL warehouse: small, serverless or else pro, 2 to 6 clusters
--    databricks permissions update warehouses WAREHOUSE_ID --json '{"access_control_list": [{"service_principal_name": "00000000-0000-0000-0000-000000000000", "permission_level": "CAN_USE"}]}'

-- 3. Create a catalog
CREATE CATALOG IF NOT EXISTS `segment`;

-- 4. Let the service principal fill the catalog; what it creates is its own
GRANT USE CATALOG, USE SCHEMA, MODIFY, SELECT, CREATE SCHEMA, CREATE TABLE, CREATE VOLUME, READ VOLUME, WRITE VOLUME ON CATALOG `segment` TO `00000000-0000-0000-0000-000000000000`;
CREATE SCHEMA IF NOT EXISTS `segment`.`acme`;

-- 5. Let the addresses in that Profiles Sync connects from: 203.0.113.7/32, 198.51.100.0/28, 2001:db8::/48
--    Only where IP access lists are on. A first list shuts out everybody who is not on it.
--    databricks ip-access-lists create --json '{"label": "profiles-sync", "list_type": "ALLOW", "ip_addresses": ["203.0.113.7/32", "198.51.100.0/28", "2001:db8::/48"]}'
