-- Databricks for the Data Graph. It may be run again; what is there stays.
-- Run it as an admin of the metastore.

-- 1. Create a service principal for the Data Graph
--    databricks service-principals create --json '{"displayName": "Segment Data Graph", "entitlements": [{"value": "databricks-sql-access"}]}'
--    Print this again with the applicationId that it answers: --user APPLICATION_ID.
--    An OAuth secret, which is shown once: Settings > Identity and access > Service principals > Secrets.

-- 2. Let it use the SQL warehouse
--    databricks permissions update warehouses WAREHOUSE_ID --json '{"access_control_list": [{"service_principal_name": "00000000-0000-0000-0000-000000000000", "permission_level": "CAN_USE"}]}'

-- 3. Create a catalog for bookkeeping, the only one it may write
CREATE CATALOG IF NOT EXISTS `segment_linked_profiles_db`;
GRANT USE CATALOG, USE SCHEMA, SELECT, CREATE SCHEMA ON CATALOG `segment_linked_profiles_db` TO `00000000-0000-0000-0000-000000000000`;

-- 4. Open the schema that Reverse ETL left in that catalog
GRANT ALL PRIVILEGES ON SCHEMA `segment_linked_profiles_db`.`__segment_reverse_etl` TO `00000000-0000-0000-0000-000000000000`;

-- 5. Let it read; a right on a catalog or a schema holds for the tables to come as well
--    Repeat it with another --profiles-database for each further catalog to read.
GRANT USE CATALOG ON CATALOG `segment` TO `00000000-0000-0000-0000-000000000000`;
GRANT USE SCHEMA, SELECT ON SCHEMA `segment`.`acme` TO `00000000-0000-0000-0000-000000000000`;
GRANT USE SCHEMA, SELECT ON SCHEMA `segment`.`erp` TO `00000000-0000-0000-0000-000000000000`;
GRANT USE SCHEMA ON SCHEMA `segment`.`crm` TO `00000000-0000-0000-0000-000000000000`;
GRANT SELECT ON TABLE `segment`.`crm`.`accounts` TO `00000000-0000-0000-0000-000000000000`;

-- 6. Check it, logged in as 00000000-0000-0000-0000-000000000000
--    In segment_linked_profiles_db this is answered, if only with no row:
--      CREATE SCHEMA IF NOT EXISTS `segment_linked_profiles_db`.`__segment_reverse_etl`;
--    In segment_linked_profiles_db this lists acme, erp, crm:
--      SHOW SCHEMAS IN `segment`;
--    In segment_linked_profiles_db this is answered, if only with no row:
--      SELECT * FROM `segment`.`crm`.`accounts` LIMIT 10;
--      SELECT * FROM `segment`.`acme`.`id_graph_updates` LIMIT 10;
--      SELECT * FROM `segment`.`acme`.`external_id_mapping_updates` LIMIT 10;
--      SELECT * FROM `segment`.`acme`.`profile_traits_updates` LIMIT 10;
--      SELECT * FROM `segment`.`acme`.`profile_merges` LIMIT 10;
--      SELECT * FROM `segment`.`acme`.`user_identifiers` LIMIT 10;
--      SELECT * FROM `segment`.`acme`.`user_traits` LIMIT 10;
--    In segment_linked_profiles_db this is refused:
--      DELETE FROM `segment`.`crm`.`accounts` WHERE FALSE;
--      DELETE FROM `segment`.`acme`.`id_graph_updates` WHERE FALSE;
--      DELETE FROM `segment`.`acme`.`external_id_mapping_updates` WHERE FALSE;
--      DELETE FROM `segment`.`acme`.`profile_traits_updates` WHERE FALSE;
--      DELETE FROM `segment`.`acme`.`profile_merges` WHERE FALSE;
--      DELETE FROM `segment`.`acme`.`user_identifiers` WHERE FALSE;
--      DELETE FROM `segment`.`acme`.`user_traits` WHERE FALSE;
