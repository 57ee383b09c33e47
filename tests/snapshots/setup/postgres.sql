-- Postgres for Profiles Sync. It may be run again; what is there stays.
-- Run it as an admin: psql -X -h HOST -U ADMIN -d postgres -f THIS_FILE

\set ON_ERROR_STOP on

-- 1. Create a user for Profiles Sync; psql asks for its password
SELECT COUNT(*) = 0 AS is_new FROM pg_roles WHERE rolname = 'segment' \gset
\if :is_new
CREATE ROLE "segment" LOGIN;
\password "segment"
\endif

-- 2. Create a database
SELECT COUNT(*) = 0 AS is_new FROM pg_database WHERE datname = 'segment' \gset
\if :is_new
CREATE DATABASE "segment";
\endif

-- 3. Let the user connect and create its schemas; what it creates is its own
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE "segment" TO "segment";

-- 4. Create the space's schema now, or open the one that is there
\connect -reuse-previous=on "dbname='segment'"
CREATE SCHEMA IF NOT EXISTS "acme";
GRANT USAGE, CREATE ON SCHEMA "acme" TO "segment";
GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA "acme" TO "segment";

-- 5. Let the addresses in that Profiles Sync connects from: 203.0.113.7/32, 198.51.100.0/28, 2001:db8::/48
--    On a server of your own, in pg_hba.conf; then SELECT pg_reload_conf():
--      hostssl "segment" "segment" 203.0.113.7/32 scram-sha-256
--      hostssl "segment" "segment" 198.51.100.0/28 scram-sha-256
--      hostssl "segment" "segment" 2001:db8::/48 scram-sha-256
--    On RDS, in the security group of the instance, which has to be publicly accessible:
--      aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=tcp,FromPort=5432,ToPort=5432,IpRanges=[{CidrIp=203.0.113.7/32}]'
--      aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=tcp,FromPort=5432,ToPort=5432,IpRanges=[{CidrIp=198.51.100.0/28}]'
--      aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=tcp,FromPort=5432,ToPort=5432,Ipv6Ranges=[{CidrIpv6=2001:db8::/48}]'
