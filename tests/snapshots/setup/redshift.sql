-- Redshift for Profiles Sync. It may be run again; what is there stays.
-- Run it as an admin, with psql 14 or newer and the new user's password in the variable SEGMENT_PASSWORD:
-- psql -X -h HOST -p 5439 -U ADMIN -d dev -f THIS_FILE

\set ON_ERROR_STOP on
\getenv password SEGMENT_PASSWORD

-- 1. Choose an instance
--    RA3 nodes keep storage and computing apart, and can be read across databases, as the Data Graph does.
--    Dense compute (DC2) is the fastest for little data. The number of tables and columns counts more than the
--    number of events: every Track event name is a table, and every property a column.
--    Redshift Serverless is not supported.

-- 2. Provision a Redshift cluster, if you have none
--    aws redshift create-cluster --cluster-identifier segment --node-type ra3.large --cluster-type single-node \
--      --db-name segment --master-username ADMIN --manage-master-password \
--      --publicly-accessible --encrypted

-- 3. Let the sync write the bucket that rows wait in, and the cluster read it
--    In the policy of what the sync runs as:
--      allow s3:ListBucket on arn:aws:s3:::STAGING_BUCKET
--      allow s3:PutObject on arn:aws:s3:::STAGING_BUCKET/profiles-sync/*
--      allow s3:DeleteObject on arn:aws:s3:::STAGING_BUCKET/profiles-sync/*
--    In the policy of a role that the cluster may assume, which is iam_role in the settings:
--      allow s3:ListBucket on arn:aws:s3:::STAGING_BUCKET
--      allow s3:GetObject on arn:aws:s3:::STAGING_BUCKET/profiles-sync/*
--    aws redshift modify-cluster-iam-roles --cluster-identifier segment --add-iam-roles ROLE_ARN

-- 4. Create a user for Profiles Sync
SELECT COUNT(*) = 0 AS is_new FROM pg_user WHERE usename = 'segment' \gset
\if :is_new
CREATE USER "segment" PASSWORD :'password';
\endif

-- 5. Create the database, if the cluster was made with another one
SELECT COUNT(*) = 0 AS is_new FROM pg_database WHERE datname = 'segment' \gset
\if :is_new
CREATE DATABASE "segment";
\endif

-- 6. Let the user create its schemas; what it creates is its own
GRANT CREATE, TEMPORARY ON DATABASE "segment" TO "segment";

-- 7. Create the space's schema now, or open the one that is there
\connect -reuse-previous=on "dbname='segment'"
CREATE SCHEMA IF NOT EXISTS "acme";
GRANT USAGE, CREATE ON SCHEMA "acme" TO "segment";
GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA "acme" TO "segment";

-- 8. Let the addresses in that Profiles Sync connects from: 203.0.113.7/32, 198.51.100.0/28, 2001:db8::/48
--    In the security group of the cluster. Outbound, the cluster has to reach the staging bucket in S3.
--    aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=tcp,FromPort=5439,ToPort=5439,IpRanges=[{CidrIp=203.0.113.7/32}]'
--    aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=tcp,FromPort=5439,ToPort=5439,IpRanges=[{CidrIp=198.51.100.0/28}]'
--    aws ec2 authorize-security-group-ingress --group-id SECURITY_GROUP --ip-permissions 'IpProtocol=tcp,FromPort=5439,ToPort=5439,Ipv6Ranges=[{CidrIpv6=2001:db8::/48}]'
