-- Snowflake for Profiles Sync. It may be run again; what is there stays.
-- Run it with the role ACCOUNTADMIN, or one that may create warehouses, databases, roles and users.

-- 1. Create a virtual warehouse
CREATE WAREHOUSE IF NOT EXISTS "SEGMENT_WAREHOUSE" WITH WAREHOUSE_SIZE = 'XSMALL' WAREHOUSE_TYPE = 'STANDARD' AUTO_SUSPEND = 600 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE;

-- 2. Create a database
CREATE DATABASE IF NOT EXISTS "SEGMENT_EVENTS";

-- 3. Create a role
CREATE ROLE IF NOT EXISTS "SEGMENT";
GRANT USAGE ON WAREHOUSE "SEGMENT_WAREHOUSE" TO ROLE "SEGMENT";
GRANT USAGE, CREATE SCHEMA ON DATABASE "SEGMENT_EVENTS" TO ROLE "SEGMENT";
CREATE SCHEMA IF NOT EXISTS "SEGMENT_EVENTS"."ACME";
GRANT ALL PRIVILEGES ON SCHEMA "SEGMENT_EVENTS"."ACME" TO ROLE "SEGMENT";
GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA "SEGMENT_EVENTS"."ACME" TO ROLE "SEGMENT";

-- 4. Create a user
--    It logs in by a key pair, and has no password. Make the pair first, with a passphrase if you like:
--      openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -inform PEM -out rsa_key.p8
--      openssl rsa -in rsa_key.p8 -pubout -out rsa_key.pub
--    Then put the lines of rsa_key.pub here, without the first and the last one.
SET segment_public_key = 'PUBLIC KEY';
CREATE USER IF NOT EXISTS "SEGMENT_USER" TYPE = SERVICE DEFAULT_ROLE = "SEGMENT" DEFAULT_WAREHOUSE = "SEGMENT_WAREHOUSE";
ALTER USER "SEGMENT_USER" SET RSA_PUBLIC_KEY = $segment_public_key;
GRANT ROLE "SEGMENT" TO USER "SEGMENT_USER";

-- 5. Keep the values of rows out of the query history
--    A few rows go with a statement, as bound values. For seven days the function BIND_VALUES tells them to this user
--    and to who may monitor or operate the virtual warehouse. Set bound_rows: false in the settings and no row is
--    bound; or have nobody told, whatever runs in the account:
--      ALTER ACCOUNT SET ALLOW_BIND_VALUES_ACCESS = FALSE

-- 6. Let the addresses in that Profiles Sync connects from: 203.0.113.7/32, 198.51.100.0/28, 2001:db8::/48
--    A network policy for this user alone; it stands above the account's.
--    A policy's list takes IPv4 only; a network rule is needed for 2001:db8::/48.
CREATE NETWORK POLICY IF NOT EXISTS "SEGMENT_USER_ADDRESSES" ALLOWED_IP_LIST = ('203.0.113.7/32', '198.51.100.0/28');
ALTER NETWORK POLICY "SEGMENT_USER_ADDRESSES" SET ALLOWED_IP_LIST = ('203.0.113.7/32', '198.51.100.0/28');
ALTER USER "SEGMENT_USER" SET NETWORK_POLICY = "SEGMENT_USER_ADDRESSES";

-- 7. Test the user and its key
--    snowsql -a ACCOUNT -u SEGMENT_USER -d SEGMENT_EVENTS -w SEGMENT_WAREHOUSE --private-key-path rsa_key.p8 -q 'SELECT CURRENT_ROLE()'
