-- create schema
CREATE SCHEMA IF NOT EXISTS "acme";
-- drop schema
DROP SCHEMA "acme";
-- create cursors
CREATE TABLE IF NOT EXISTS "_profiles_sync"."cursors_acme" ("schema_name" character varying(512), "table_name" character varying(512), "table_id" character varying(512), "version" bigint, "commit_digest" character varying(512), "sync_id" character varying(512)) DISTSTYLE KEY DISTKEY ("schema_name");
-- create table
CREATE TABLE IF NOT EXISTS "acme"."bought" ("id" character varying(512), "received_at" timestamp without time zone, "uuid_ts" timestamp without time zone, "total" bigint, "price" double precision, "gift" boolean, "or""der" character varying(512)) DISTSTYLE KEY DISTKEY ("id") SORTKEY ("received_at");
-- create merged table
CREATE TABLE IF NOT EXISTS "acme"."user_identifiers" ("canonical_segment_id" character varying(512), "type" character varying(512), "value" character varying(65535), "seq" character varying(512), "received_at" timestamp without time zone, "uuid_ts" timestamp without time zone) DISTSTYLE KEY DISTKEY ("canonical_segment_id") SORTKEY ("received_at");
-- add columns
ALTER TABLE "acme"."bought" ADD COLUMN "or""der" character varying(512);
ALTER TABLE "acme"."bought" ADD COLUMN "total" bigint;
-- drop staging
DROP TABLE IF EXISTS staged_0;
-- any row
SELECT 1 FROM "acme"."bought" LIMIT 1;
-- sum keys
SELECT count(*), COALESCE(SUM(STRTOL(LEFT(MD5(t."id"), 8), 16)), 0) FROM "acme"."bought" AS t;
SELECT count(*), COALESCE(SUM(STRTOL(LEFT(MD5(t."canonical_segment_id" || chr(31) || t."type" || chr(31) || t."value"), 8), 16)), 0) FROM "acme"."user_identifiers" AS t WHERE EXISTS (SELECT 1 FROM staged_0 AS s WHERE t."canonical_segment_id" = s."canonical_segment_id" AND OCTET_LENGTH(t."canonical_segment_id") = OCTET_LENGTH(s."canonical_segment_id") AND t."type" = s."type" AND OCTET_LENGTH(t."type") = OCTET_LENGTH(s."type") AND t."value" = s."value" AND OCTET_LENGTH(t."value") = OCTET_LENGTH(s."value"));
-- delete all
DELETE FROM "acme"."bought";
-- delete missing
DELETE FROM "acme"."user_identifiers" WHERE NOT EXISTS (SELECT 1 FROM staged_0 AS s WHERE "acme"."user_identifiers"."canonical_segment_id" = s."canonical_segment_id" AND "acme"."user_identifiers"."type" = s."type" AND "acme"."user_identifiers"."value" = s."value" AND OCTET_LENGTH("acme"."user_identifiers"."value") = OCTET_LENGTH(s."value"));
-- append
INSERT INTO "acme"."bought" ("id", "received_at", "uuid_ts", "total", "price", "gift", "or""der") SELECT s."id", s."received_at", s."uuid_ts", s."total", s."price", s."gift", s."or""der" FROM (SELECT *, row_number() OVER (PARTITION BY "id", OCTET_LENGTH("id") ORDER BY "uuid_ts", "received_at") AS _place FROM staged_0) AS s WHERE s._place = 1 AND NOT EXISTS (SELECT 1 FROM "acme"."bought" AS t WHERE t."id" = s."id" AND OCTET_LENGTH(t."id") = OCTET_LENGTH(s."id"));
-- append, keys differ
INSERT INTO "acme"."bought" ("id", "received_at", "uuid_ts", "total", "price", "gift", "or""der") SELECT s."id", s."received_at", s."uuid_ts", s."total", s."price", s."gift", s."or""der" FROM staged_0 AS s WHERE NOT EXISTS (SELECT 1 FROM "acme"."bought" AS t WHERE t."id" = s."id" AND OCTET_LENGTH(t."id") = OCTET_LENGTH(s."id"));
-- merge
DELETE FROM "acme"."user_identifiers" USING staged_0 AS s WHERE "acme"."user_identifiers"."canonical_segment_id" = s."canonical_segment_id" AND "acme"."user_identifiers"."type" = s."type" AND "acme"."user_identifiers"."value" = s."value" AND OCTET_LENGTH("acme"."user_identifiers"."value") = OCTET_LENGTH(s."value") AND s."_op" = 'D';
UPDATE "acme"."user_identifiers" SET "seq" = s."seq", "received_at" = s."received_at", "uuid_ts" = s."uuid_ts" FROM staged_0 AS s WHERE "acme"."user_identifiers"."canonical_segment_id" = s."canonical_segment_id" AND "acme"."user_identifiers"."type" = s."type" AND "acme"."user_identifiers"."value" = s."value" AND OCTET_LENGTH("acme"."user_identifiers"."value") = OCTET_LENGTH(s."value") AND s."_op" = 'U';
INSERT INTO "acme"."user_identifiers" ("canonical_segment_id", "type", "value", "seq", "received_at", "uuid_ts") SELECT s."canonical_segment_id", s."type", s."value", s."seq", s."received_at", s."uuid_ts" FROM staged_0 AS s WHERE s."_op" = 'U' AND NOT EXISTS (SELECT 1 FROM "acme"."user_identifiers" WHERE "acme"."user_identifiers"."canonical_segment_id" = s."canonical_segment_id" AND "acme"."user_identifiers"."type" = s."type" AND "acme"."user_identifiers"."value" = s."value" AND OCTET_LENGTH("acme"."user_identifiers"."value") = OCTET_LENGTH(s."value"));
-- merge by an id
CREATE TEMPORARY TABLE "rows to merge" (LIKE "acme"."profile_merges" INCLUDING DEFAULTS);
INSERT INTO "rows to merge" ("segment_id", "seq") SELECT s."segment_id", s."seq" FROM staged_0 AS s WHERE s."_op" = 'U';
DELETE FROM "acme"."profile_merges" USING staged_0 AS s WHERE "acme"."profile_merges"."segment_id" = s."segment_id" AND s."_op" = 'D';
MERGE INTO "acme"."profile_merges" USING "rows to merge" ON "acme"."profile_merges"."segment_id" = "rows to merge"."segment_id" WHEN MATCHED THEN UPDATE SET "seq" = "rows to merge"."seq" WHEN NOT MATCHED THEN INSERT ("segment_id", "seq") VALUES ("rows to merge"."segment_id", "rows to merge"."seq");
DROP TABLE "rows to merge";
-- widen total from bigint to double precision
ALTER TABLE "acme"."bought" ADD COLUMN "total__wider" double precision;
UPDATE "acme"."bought" SET "total__wider" = CAST("total" AS double precision);
ALTER TABLE "acme"."bought" RENAME COLUMN "total" TO "total__was_bigint";
ALTER TABLE "acme"."bought" RENAME COLUMN "total__wider" TO "total";
-- widen gift from boolean to character varying(512)
ALTER TABLE "acme"."bought" ADD COLUMN "gift__wider" character varying(512);
UPDATE "acme"."bought" SET "gift__wider" = CASE WHEN "gift" THEN 'true' WHEN NOT "gift" THEN 'false' END;
ALTER TABLE "acme"."bought" RENAME COLUMN "gift" TO "gift__was_boolean";
ALTER TABLE "acme"."bought" RENAME COLUMN "gift__wider" TO "gift";
-- widen note from character varying(8) to character varying(12)
ALTER TABLE "acme"."bought" ALTER COLUMN "note" TYPE character varying(12);
-- end a widening that was broken off
ALTER TABLE "acme"."bought" RENAME COLUMN "total__wider" TO "total";
-- count what a float rounds
SELECT count(*) FROM "acme"."bought" WHERE "total" > 9007199254740992 OR "total" < -9007199254740992;
-- read cursors
SELECT table_name, table_id, version, commit_digest FROM "_profiles_sync"."cursors_acme" WHERE schema_name = 'acme';
-- forget cursors
DELETE FROM "_profiles_sync"."cursors_acme" WHERE schema_name = 'acme' AND (table_name = 'bought' AND table_id = '0c6d' AND version = 7 OR table_name = 'it''s' AND table_id = 'e2' AND version = 0);
-- record cursors
INSERT INTO "_profiles_sync"."cursors_acme" (schema_name, table_name, table_id, version, commit_digest, sync_id) VALUES ('acme', 'bought', '0c6d', 7, 'a1', 'sync_1'), ('acme', 'it''s', 'e2', 0, '', 'sync_1');
-- from character varying(512) to character varying(20)
SELECT count(CASE WHEN s."total" IS NOT NULL AND s."total" IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to character(4)
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(NULLIF(TRIM(s."total"), '') AS character(4)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to smallint
SELECT count(CASE WHEN s."total" IS NOT NULL AND COALESCE(TRY_CAST(NULLIF(TRIM(s."total"), '') AS smallint), TRY_CAST(ROUND(TRY_CAST(NULLIF(TRIM(s."total"), '') AS double precision)) AS smallint)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to bigint
SELECT count(CASE WHEN s."total" IS NOT NULL AND COALESCE(TRY_CAST(NULLIF(TRIM(s."total"), '') AS bigint), TRY_CAST(ROUND(TRY_CAST(NULLIF(TRIM(s."total"), '') AS double precision)) AS bigint)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to numeric(5,2)
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(NULLIF(TRIM(s."total"), '') AS numeric(5,2)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to double precision
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(NULLIF(TRIM(s."total"), '') AS double precision) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to boolean
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN LOWER(NULLIF(TRIM(s."total"), '')) IN ('true', 't', 'yes', 'y', '1') THEN TRUE WHEN LOWER(NULLIF(TRIM(s."total"), '')) IN ('false', 'f', 'no', 'n', '0') THEN FALSE END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to date
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(NULLIF(TRIM(s."total"), '') AS date) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to timestamp with time zone
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(NULLIF(TRIM(s."total"), '') AS timestamp with time zone) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from character varying(512) to super
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(NULLIF(TRIM(s."total"), '') AS super) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to character varying(20)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CAST(s."total" AS character varying(64))) <= 20 THEN CAST(CAST(s."total" AS character varying(64)) AS character varying(20)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to character(4)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CAST(s."total" AS character varying(64))) <= 4 THEN CAST(CAST(s."total" AS character varying(64)) AS character(4)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to smallint
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS smallint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to bigint
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS bigint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to numeric(5,2)
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS numeric(5,2)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to double precision
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS double precision) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to boolean
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS boolean) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to date
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS date) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to timestamp with time zone
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS timestamp with time zone) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from bigint to super
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS super) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to character varying(20)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CAST(s."total" AS character varying(64))) <= 20 THEN CAST(CAST(s."total" AS character varying(64)) AS character varying(20)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to character(4)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CAST(s."total" AS character varying(64))) <= 4 THEN CAST(CAST(s."total" AS character varying(64)) AS character(4)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to smallint
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(ROUND(s."total") AS smallint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to bigint
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(ROUND(s."total") AS bigint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to numeric(5,2)
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS numeric(5,2)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to double precision
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS double precision) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to boolean
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS boolean) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to date
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS date) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to timestamp with time zone
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS timestamp with time zone) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from double precision to super
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS super) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to character varying(20)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CASE WHEN s."total" THEN 'true' WHEN NOT s."total" THEN 'false' END) <= 20 THEN CAST(CASE WHEN s."total" THEN 'true' WHEN NOT s."total" THEN 'false' END AS character varying(20)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to character(4)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CASE WHEN s."total" THEN 'true' WHEN NOT s."total" THEN 'false' END) <= 4 THEN CAST(CASE WHEN s."total" THEN 'true' WHEN NOT s."total" THEN 'false' END AS character(4)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to smallint
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(CASE WHEN s."total" THEN 1 WHEN NOT s."total" THEN 0 END AS smallint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to bigint
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(CASE WHEN s."total" THEN 1 WHEN NOT s."total" THEN 0 END AS bigint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to numeric(5,2)
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(CASE WHEN s."total" THEN 1 WHEN NOT s."total" THEN 0 END AS numeric(5,2)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to double precision
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(CASE WHEN s."total" THEN 1 WHEN NOT s."total" THEN 0 END AS double precision) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to boolean
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS boolean) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to date
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS date) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to timestamp with time zone
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS timestamp with time zone) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from boolean to super
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS super) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to character varying(20)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CAST(s."total" AS character varying(64))) <= 20 THEN CAST(CAST(s."total" AS character varying(64)) AS character varying(20)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to character(4)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CASE WHEN OCTET_LENGTH(CAST(s."total" AS character varying(64))) <= 4 THEN CAST(CAST(s."total" AS character varying(64)) AS character(4)) END IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to smallint
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS smallint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to bigint
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS bigint) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to numeric(5,2)
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS numeric(5,2)) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to double precision
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS double precision) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to boolean
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS boolean) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to date
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS date) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to timestamp with time zone
SELECT count(CASE WHEN s."total" IS NOT NULL AND TRY_CAST(s."total" AS timestamp with time zone) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- from timestamp without time zone to super
SELECT count(CASE WHEN s."total" IS NOT NULL AND CAST(NULL AS super) IS NULL THEN 1 END), 0 FROM staged_0 AS s WHERE s."_op" <> 'D';
-- staging
CREATE TEMPORARY TABLE staged_0 ("id" character varying(512), "_op" character varying(1)) DISTSTYLE KEY DISTKEY ("id");
-- copy
COPY staged_0 FROM 's3://staging-rows/it''s/' IAM_ROLE 'arn:aws:iam::123456789012:role/loader' FORMAT AS PARQUET;
COPY staged_0 FROM 's3://staging-rows/acme/' IAM_ROLE default FORMAT AS PARQUET;
-- lock
CREATE TABLE IF NOT EXISTS "_profiles_sync"."lock 293abb6b76d7791c0732cc517d38c4b5c734b87f" (held boolean);
CREATE TABLE IF NOT EXISTS "_profiles_sync"."owner 293abb6b76d7791c0732cc517d38c4b5c734b87f" (owner character varying(64));
LOCK TABLE "_profiles_sync"."lock 293abb6b76d7791c0732cc517d38c4b5c734b87f";
-- owner
DELETE FROM "_profiles_sync"."owner 293abb6b76d7791c0732cc517d38c4b5c734b87f";
INSERT INTO "_profiles_sync"."owner 293abb6b76d7791c0732cc517d38c4b5c734b87f" (owner) VALUES ('0a1b');
UPDATE "_profiles_sync"."owner 293abb6b76d7791c0732cc517d38c4b5c734b87f" SET owner = owner WHERE owner = '0a1b';
