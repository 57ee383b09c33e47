-- Redshift for the Data Graph. It may be run again; what is there stays.
-- Run it as an admin, with psql 14 or newer and the new user's password in the variable SEGMENT_PASSWORD:
-- psql -X -h HOST -p 5439 -U ADMIN -d dev -f THIS_FILE

\set ON_ERROR_STOP on
\getenv password SEGMENT_PASSWORD

-- 1. Create a role and a user for the Data Graph
SELECT COUNT(*) = 0 AS is_new FROM svv_roles WHERE role_name = 'segment_linked_role' \gset
\if :is_new
CREATE ROLE "segment_linked_role";
\endif
SELECT COUNT(*) = 0 AS is_new FROM pg_user WHERE usename = 'segment_linked_user' \gset
\if :is_new
CREATE USER "segment_linked_user" PASSWORD :'password';
\endif
GRANT ROLE "segment_linked_role" TO "segment_linked_user";

-- 2. Create a database for bookkeeping, the only one it may write
SELECT COUNT(*) = 0 AS is_new FROM pg_database WHERE datname = 'segment_linked_profiles_db' \gset
\if :is_new
CREATE DATABASE "segment_linked_profiles_db";
\endif
GRANT CREATE ON DATABASE "segment_linked_profiles_db" TO ROLE "segment_linked_role";

-- 3. Open the schema that Reverse ETL left in that database
\connect -reuse-previous=on "dbname='segment_linked_profiles_db'"
GRANT USAGE, CREATE, DROP ON SCHEMA "__segment_reverse_etl" TO ROLE "segment_linked_role";
GRANT SELECT, INSERT, UPDATE, DELETE, DROP ON ALL TABLES IN SCHEMA "__segment_reverse_etl" TO ROLE "segment_linked_role";

-- 4. Let it read
--    Repeat it with another --profiles-database for each further database to read.
--    Tables to come are read in the profiles' schema, where the sync's user makes them.
--    A further schema needs the same ALTER DEFAULT PRIVILEGES for whoever makes its tables.
--    Redshift lets everybody make tables in a schema called public. To end that for all users:
--      REVOKE CREATE ON SCHEMA public FROM PUBLIC;
\connect -reuse-previous=on "dbname='segment'"
GRANT USAGE ON SCHEMA "acme" TO ROLE "segment_linked_role";
GRANT SELECT ON ALL TABLES IN SCHEMA "acme" TO ROLE "segment_linked_role";
ALTER DEFAULT PRIVILEGES FOR USER "segment" IN SCHEMA "acme" GRANT SELECT ON TABLES TO ROLE "segment_linked_role";
GRANT USAGE ON SCHEMA "erp" TO ROLE "segment_linked_role";
GRANT SELECT ON ALL TABLES IN SCHEMA "erp" TO ROLE "segment_linked_role";
GRANT USAGE ON SCHEMA "crm" TO ROLE "segment_linked_role";
GRANT SELECT ON TABLE "crm"."accounts" TO ROLE "segment_linked_role";

-- 5. Check it, logged in as segment_linked_user
--    In segment_linked_profiles_db this is answered, if only with no row:
--      CREATE SCHEMA IF NOT EXISTS "__segment_reverse_etl";
--    In segment_linked_profiles_db this lists acme, erp, crm:
--      SHOW SCHEMAS FROM DATABASE "segment";
--    In segment_linked_profiles_db this is answered, if only with no row:
--      SELECT * FROM "segment"."crm"."accounts" LIMIT 10;
--      SELECT * FROM "segment"."acme"."id_graph_updates" LIMIT 10;
--      SELECT * FROM "segment"."acme"."external_id_mapping_updates" LIMIT 10;
--      SELECT * FROM "segment"."acme"."profile_traits_updates" LIMIT 10;
--      SELECT * FROM "segment"."acme"."profile_merges" LIMIT 10;
--      SELECT * FROM "segment"."acme"."user_identifiers" LIMIT 10;
--      SELECT * FROM "segment"."acme"."user_traits" LIMIT 10;
--    In segment this is refused:
--      DELETE FROM "crm"."accounts" WHERE 1 = 0;
--      DELETE FROM "acme"."id_graph_updates" WHERE 1 = 0;
--      DELETE FROM "acme"."external_id_mapping_updates" WHERE 1 = 0;
--      DELETE FROM "acme"."profile_traits_updates" WHERE 1 = 0;
--      DELETE FROM "acme"."profile_merges" WHERE 1 = 0;
--      DELETE FROM "acme"."user_identifiers" WHERE 1 = 0;
--      DELETE FROM "acme"."user_traits" WHERE 1 = 0;
--      CREATE SCHEMA "__segment_reverse_etl";
