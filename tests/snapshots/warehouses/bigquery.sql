CREATE SCHEMA IF NOT EXISTS `acme` OPTIONS (location = 'EU', labels = [('product', 'profiles-sync'), ('team', 'data')]);

CREATE TABLE IF NOT EXISTS `acme`.`pages` (`id` STRING, `segment_id` STRING, `anonymous_id` STRING, `user_id` STRING, `event_source_id` STRING, `received_at` TIMESTAMP, `sent_at` TIMESTAMP, `original_timestamp` TIMESTAMP, `timestamp` TIMESTAMP, `uuid_ts` TIMESTAMP, `name` STRING, `category` STRING, `group_id` STRING) PARTITION BY _PARTITIONDATE CLUSTER BY `id` OPTIONS (labels = [('product', 'profiles-sync'), ('table', 'pages'), ('team', 'data')]);

CREATE VIEW IF NOT EXISTS `acme`.`pages_view` AS SELECT * EXCEPT (_place) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `uuid_ts` DESC) AS _place FROM `acme`.`pages` WHERE _PARTITIONTIME >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY), INTERVAL 60 DAY)) WHERE _place = 1;

DROP VIEW IF EXISTS `acme`.`page_view`;

CREATE TABLE IF NOT EXISTS `acme`.`page_view` (`id` STRING, `segment_id` STRING, `anonymous_id` STRING, `user_id` STRING, `event_source_id` STRING, `received_at` TIMESTAMP, `sent_at` TIMESTAMP, `original_timestamp` TIMESTAMP, `timestamp` TIMESTAMP, `uuid_ts` TIMESTAMP, `event` STRING, `event_text` STRING) PARTITION BY _PARTITIONDATE CLUSTER BY `id` OPTIONS (labels = [('product', 'profiles-sync'), ('table', 'page_view'), ('team', 'data')]);

CREATE VIEW IF NOT EXISTS `acme`.`page_view_view` AS SELECT * EXCEPT (_place) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `uuid_ts` DESC) AS _place FROM `acme`.`page_view` WHERE _PARTITIONTIME >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY), INTERVAL 60 DAY)) WHERE _place = 1;

CREATE TABLE IF NOT EXISTS `acme`.`user_traits` (`canonical_segment_id` STRING, `name` STRING, `value` STRING, `seq` STRING, `received_at` TIMESTAMP, `timestamp` TIMESTAMP, `uuid_ts` TIMESTAMP) PARTITION BY _PARTITIONDATE CLUSTER BY `canonical_segment_id`, `name` OPTIONS (labels = [('product', 'profiles-sync'), ('table', 'user_traits'), ('team', 'data')]);

CREATE TABLE IF NOT EXISTS `_profiles_sync`.`cursors_acme` (`schema_name` STRING, `table_name` STRING, `table_id` STRING, `version` INT64, `commit_digest` STRING, `sync_id` STRING) CLUSTER BY `schema_name`, `table_name` OPTIONS (labels = [('product', 'profiles-sync'), ('table', 'cursors_acme'), ('team', 'data')]);

ALTER TABLE `acme`.`pages` ADD COLUMN IF NOT EXISTS `order` STRING, ADD COLUMN IF NOT EXISTS `a` INT64;

ALTER TABLE `acme`.`bought` ALTER COLUMN `total` SET DATA TYPE FLOAT64;

ALTER TABLE `acme`.`bought` ADD COLUMN IF NOT EXISTS `gift__wider` STRING;

UPDATE `acme`.`bought` SET `gift__wider` = CAST(`gift` AS STRING) WHERE TRUE;

ALTER TABLE `acme`.`bought` RENAME COLUMN `gift` TO `gift__was_bool`, RENAME COLUMN `gift__wider` TO `gift`;

ALTER TABLE `acme`.`bought` ALTER COLUMN `note` SET DATA TYPE STRING(12);

ALTER TABLE `acme`.`bought` RENAME COLUMN `total__wider` TO `total`;

SELECT count(*) FROM `acme`.`bought` WHERE `total` > 9007199254740992 OR `total` < -9007199254740992;

DROP TABLE IF EXISTS `_profiles_sync`.`acme__pages`;

DROP SCHEMA `acme`;

SELECT 1 FROM `acme`.`pages` LIMIT 1;

SELECT count(*), COALESCE(SUM(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(t.`id`)), 1, 8)) AS INT64)), 0) FROM `acme`.`pages` AS t;

SELECT count(*), COALESCE(SUM(CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(t.`canonical_segment_id` || chr(31) || t.`name`)), 1, 8)) AS INT64)), 0) FROM `acme`.`user_traits` AS t WHERE EXISTS (SELECT 1 FROM `_profiles_sync`.`acme__pages` AS s WHERE t.`canonical_segment_id` = s.`canonical_segment_id` AND t.`name` = s.`name`);

DELETE FROM `acme`.`pages` WHERE TRUE;

DELETE FROM `acme`.`user_traits` AS t WHERE NOT EXISTS (SELECT 1 FROM `_profiles_sync`.`acme__pages` AS s WHERE t.`canonical_segment_id` = s.`canonical_segment_id` AND t.`name` = s.`name`);

INSERT INTO `acme`.`pages` (`id`, `url`) SELECT s.`id`, s.`url` FROM (SELECT *, row_number() OVER (PARTITION BY `id` ORDER BY `uuid_ts`, `received_at`) AS _place FROM `_profiles_sync`.`acme__pages`) AS s WHERE s._place = 1 AND NOT EXISTS (SELECT 1 FROM `acme`.`pages` AS t WHERE t.`id` = s.`id`);

INSERT INTO `acme`.`pages` (`id`, `url`) SELECT s.`id`, s.`url` FROM `_profiles_sync`.`acme__pages` AS s WHERE NOT EXISTS (SELECT 1 FROM `acme`.`pages` AS t WHERE t.`id` = s.`id`);

MERGE INTO `acme`.`user_traits` AS t USING `_profiles_sync`.`acme__pages` AS s ON t.`canonical_segment_id` = s.`canonical_segment_id` AND t.`name` = s.`name` WHEN MATCHED AND s.`_op` = 'D' THEN DELETE WHEN MATCHED THEN UPDATE SET `value` = s.`value`, `seq` = s.`seq`, `received_at` = s.`received_at`, `timestamp` = s.`timestamp`, `uuid_ts` = s.`uuid_ts` WHEN NOT MATCHED AND s.`_op` = 'U' THEN INSERT (`canonical_segment_id`, `name`, `value`, `seq`, `received_at`, `timestamp`, `uuid_ts`) VALUES (s.`canonical_segment_id`, s.`name`, s.`value`, s.`seq`, s.`received_at`, s.`timestamp`, s.`uuid_ts`);

SELECT count(CASE WHEN s.`note` IS NOT NULL AND SUBSTR(s.`note`, 1, 9) IS NULL THEN 1 END), count(CASE WHEN CHAR_LENGTH(s.`note`) > 9 THEN 1 END), count(CASE WHEN s.`n` IS NOT NULL AND SAFE_CAST(s.`n` AS BOOL) IS NULL THEN 1 END), 0 FROM `_profiles_sync`.`acme__pages` AS s WHERE s.`_op` <> 'D';

INSERT INTO `acme`.`pages` (`id`, `url`, `string_0`, `string_1`, `string_2`, `string_3`, `string_4`, `string_5`, `string_6`, `string_7`, `string_8`, `string_9`, `int64_0`, `int64_2`, `int64_3`, `int64_4`, `int64_5`, `int64_6`, `int64_7`, `int64_8`, `int64_9`, `int64_10`, `float64_0`, `float64_1`, `float64_3`, `float64_4`, `float64_5`, `float64_6`, `float64_7`, `float64_8`, `float64_9`, `float64_10`, `bool_0`, `bool_1`, `bool_2`, `bool_3`, `bool_4`, `bool_6`, `bool_7`, `bool_8`, `bool_9`, `bool_10`, `timestamp_0`, `timestamp_1`, `timestamp_2`, `timestamp_3`, `timestamp_4`, `timestamp_5`, `timestamp_7`, `timestamp_8`, `timestamp_9`, `timestamp_10`) SELECT s.`id`, s.`url`, SUBSTR(s.`string_0`, 1, 9), SAFE_CAST(SAFE_CAST(TRIM(s.`string_1`) AS NUMERIC) AS INT64), SAFE_CAST(TRIM(s.`string_2`) AS FLOAT64), SAFE_CAST(TRIM(s.`string_3`) AS NUMERIC), SAFE_CAST(TRIM(s.`string_4`) AS BIGNUMERIC(40, 2)), SAFE_CAST(TRIM(s.`string_5`) AS BOOL), SAFE_CAST(TRIM(s.`string_6`) AS TIMESTAMP), SAFE_CAST(TRIM(s.`string_7`) AS DATE), SAFE_CAST(TRIM(s.`string_8`) AS BYTES), SAFE.PARSE_JSON(s.`string_9`), IF(CHAR_LENGTH(CAST(s.`int64_0` AS STRING)) <= 9, CAST(s.`int64_0` AS STRING), NULL), SAFE_CAST(s.`int64_2` AS FLOAT64), SAFE_CAST(s.`int64_3` AS NUMERIC), SAFE_CAST(s.`int64_4` AS BIGNUMERIC(40, 2)), SAFE_CAST(s.`int64_5` AS BOOL), SAFE_CAST(CAST(s.`int64_6` AS STRING) AS TIMESTAMP), SAFE_CAST(CAST(s.`int64_7` AS STRING) AS DATE), SAFE_CAST(CAST(s.`int64_8` AS STRING) AS BYTES), TO_JSON(s.`int64_9`), CAST(s.`int64_10` AS STRING), IF(CHAR_LENGTH(CAST(s.`float64_0` AS STRING)) <= 9, CAST(s.`float64_0` AS STRING), NULL), SAFE_CAST(s.`float64_1` AS INT64), SAFE_CAST(s.`float64_3` AS NUMERIC), SAFE_CAST(s.`float64_4` AS BIGNUMERIC(40, 2)), SAFE_CAST(CAST(s.`float64_5` AS STRING) AS BOOL), SAFE_CAST(CAST(s.`float64_6` AS STRING) AS TIMESTAMP), SAFE_CAST(CAST(s.`float64_7` AS STRING) AS DATE), SAFE_CAST(CAST(s.`float64_8` AS STRING) AS BYTES), TO_JSON(s.`float64_9`), CAST(s.`float64_10` AS STRING), IF(CHAR_LENGTH(CAST(s.`bool_0` AS STRING)) <= 9, CAST(s.`bool_0` AS STRING), NULL), SAFE_CAST(s.`bool_1` AS INT64), SAFE_CAST(CAST(s.`bool_2` AS INT64) AS FLOAT64), SAFE_CAST(CAST(s.`bool_3` AS INT64) AS NUMERIC), SAFE_CAST(CAST(s.`bool_4` AS INT64) AS BIGNUMERIC(40, 2)), SAFE_CAST(CAST(s.`bool_6` AS STRING) AS TIMESTAMP), SAFE_CAST(CAST(s.`bool_7` AS STRING) AS DATE), SAFE_CAST(CAST(s.`bool_8` AS STRING) AS BYTES), TO_JSON(s.`bool_9`), CAST(s.`bool_10` AS STRING), IF(CHAR_LENGTH(CAST(s.`timestamp_0` AS STRING)) <= 9, CAST(s.`timestamp_0` AS STRING), NULL), SAFE_CAST(CAST(s.`timestamp_1` AS STRING) AS INT64), SAFE_CAST(CAST(s.`timestamp_2` AS STRING) AS FLOAT64), SAFE_CAST(CAST(s.`timestamp_3` AS STRING) AS NUMERIC), SAFE_CAST(CAST(s.`timestamp_4` AS STRING) AS BIGNUMERIC(40, 2)), SAFE_CAST(CAST(s.`timestamp_5` AS STRING) AS BOOL), SAFE_CAST(s.`timestamp_7` AS DATE), SAFE_CAST(CAST(s.`timestamp_8` AS STRING) AS BYTES), TO_JSON(s.`timestamp_9`), CAST(s.`timestamp_10` AS STRING) FROM (SELECT *, row_number() OVER (PARTITION BY `id` ORDER BY `uuid_ts`, `received_at`) AS _place FROM `_profiles_sync`.`acme__pages`) AS s WHERE s._place = 1 AND NOT EXISTS (SELECT 1 FROM `acme`.`pages` AS t WHERE t.`id` = s.`id`);

SELECT table_name, table_id, version, commit_digest FROM `_profiles_sync`.`cursors_acme` WHERE schema_name = 'acme';

DELETE FROM `_profiles_sync`.`cursors_acme` WHERE schema_name = 'acme' AND (table_name = 'pages' AND table_id = 't-1' AND version = 7 OR table_name = 'it\'s' AND table_id = 't-2' AND version = 0);

INSERT INTO `_profiles_sync`.`cursors_acme` (schema_name, table_name, table_id, version, commit_digest, sync_id) VALUES ('acme', 'pages', 't-1', 7, 'c7', '17'), ('acme', 'it\'s', 't-2', 0, '', '17');

