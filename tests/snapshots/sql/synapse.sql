-- create schema
IF SCHEMA_ID(N'acme') IS NULL EXEC (N'CREATE SCHEMA [acme]');
-- drop schema
DROP SCHEMA [acme];
-- create cursors
IF OBJECT_ID(N'[_profiles_sync].[cursors_acme]') IS NULL CREATE TABLE [_profiles_sync].[cursors_acme] ([schema_name] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [table_name] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [table_id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [version] bigint NULL, [commit_digest] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [sync_id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL) WITH (DISTRIBUTION = HASH([schema_name]), CLUSTERED COLUMNSTORE INDEX);
-- create table
IF OBJECT_ID(N'[acme].[bought]') IS NULL CREATE TABLE [acme].[bought] ([id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [received_at] datetime2(7) NULL, [uuid_ts] datetime2(7) NULL, [total] bigint NULL, [price] float NULL, [gift] bit NULL, [or"der] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL) WITH (DISTRIBUTION = HASH([id]), CLUSTERED COLUMNSTORE INDEX);
-- create merged table
IF OBJECT_ID(N'[acme].[user_identifiers]') IS NULL CREATE TABLE [acme].[user_identifiers] ([canonical_segment_id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [type] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [value] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [seq] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [received_at] datetime2(7) NULL, [uuid_ts] datetime2(7) NULL) WITH (DISTRIBUTION = HASH([canonical_segment_id]), CLUSTERED COLUMNSTORE INDEX);
-- add columns
IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'[acme].[bought]') AND name = N'or"der') ALTER TABLE [acme].[bought] ADD [or"der] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL;
IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'[acme].[bought]') AND name = N'total') ALTER TABLE [acme].[bought] ADD [total] bigint NULL;
-- drop staging
IF OBJECT_ID(N'[_profiles_sync].[acme__bought]') IS NOT NULL DROP TABLE [_profiles_sync].[acme__bought];
-- any row
SELECT TOP 1 1 FROM [acme].[bought];
-- sum keys
SELECT count(*), COALESCE(SUM(CONVERT(bigint, CONVERT(binary(4), HASHBYTES('MD5', CONVERT(varchar(max), CAST(t.[id] AS nvarchar(max)) COLLATE Latin1_General_100_BIN2_UTF8))))), 0) FROM [acme].[bought] AS t;
SELECT count(*), COALESCE(SUM(CONVERT(bigint, CONVERT(binary(4), HASHBYTES('MD5', CONVERT(varchar(max), CONCAT(CAST(t.[canonical_segment_id] AS nvarchar(max)), NCHAR(31), CAST(t.[type] AS nvarchar(max)), NCHAR(31), CAST(t.[value] AS nvarchar(max))) COLLATE Latin1_General_100_BIN2_UTF8))))), 0) FROM [acme].[user_identifiers] AS t WHERE EXISTS (SELECT 1 FROM [_profiles_sync].[acme__bought] AS s WHERE t.[canonical_segment_id] = s.[canonical_segment_id] AND DATALENGTH(t.[canonical_segment_id]) = DATALENGTH(s.[canonical_segment_id]) AND t.[type] = s.[type] AND DATALENGTH(t.[type]) = DATALENGTH(s.[type]) AND t.[value] = s.[value] AND DATALENGTH(t.[value]) = DATALENGTH(s.[value]));
-- delete all
DELETE FROM [acme].[bought];
-- delete missing
DELETE FROM [acme].[user_identifiers] WHERE NOT EXISTS (SELECT 1 FROM [_profiles_sync].[acme__bought] AS s WHERE [acme].[user_identifiers].[canonical_segment_id] = s.[canonical_segment_id] AND DATALENGTH([acme].[user_identifiers].[canonical_segment_id]) = DATALENGTH(s.[canonical_segment_id]) AND [acme].[user_identifiers].[type] = s.[type] AND DATALENGTH([acme].[user_identifiers].[type]) = DATALENGTH(s.[type]) AND [acme].[user_identifiers].[value] = s.[value] AND DATALENGTH([acme].[user_identifiers].[value]) = DATALENGTH(s.[value]));
-- append
INSERT INTO [acme].[bought] ([id], [received_at], [uuid_ts], [total], [price], [gift], [or"der]) SELECT s.[id], s.[received_at], s.[uuid_ts], s.[total], s.[price], s.[gift], s.[or"der] FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY [id], DATALENGTH([id]) ORDER BY [uuid_ts], [received_at]) AS _place FROM [_profiles_sync].[acme__bought]) AS s WHERE s._place = 1 AND NOT EXISTS (SELECT 1 FROM [acme].[bought] WHERE [acme].[bought].[id] = s.[id] AND DATALENGTH([acme].[bought].[id]) = DATALENGTH(s.[id]));
-- append, keys differ
INSERT INTO [acme].[bought] ([id], [received_at], [uuid_ts], [total], [price], [gift], [or"der]) SELECT s.[id], s.[received_at], s.[uuid_ts], s.[total], s.[price], s.[gift], s.[or"der] FROM [_profiles_sync].[acme__bought] AS s WHERE NOT EXISTS (SELECT 1 FROM [acme].[bought] WHERE [acme].[bought].[id] = s.[id] AND DATALENGTH([acme].[bought].[id]) = DATALENGTH(s.[id]));
-- merge
DELETE FROM [acme].[user_identifiers] WHERE EXISTS (SELECT 1 FROM [_profiles_sync].[acme__bought] AS s WHERE [acme].[user_identifiers].[canonical_segment_id] = s.[canonical_segment_id] AND DATALENGTH([acme].[user_identifiers].[canonical_segment_id]) = DATALENGTH(s.[canonical_segment_id]) AND [acme].[user_identifiers].[type] = s.[type] AND DATALENGTH([acme].[user_identifiers].[type]) = DATALENGTH(s.[type]) AND [acme].[user_identifiers].[value] = s.[value] AND DATALENGTH([acme].[user_identifiers].[value]) = DATALENGTH(s.[value]) AND s.[_op] = 'D');
UPDATE [acme].[user_identifiers] SET [seq] = s.[seq], [received_at] = s.[received_at], [uuid_ts] = s.[uuid_ts] FROM [_profiles_sync].[acme__bought] AS s WHERE [acme].[user_identifiers].[canonical_segment_id] = s.[canonical_segment_id] AND DATALENGTH([acme].[user_identifiers].[canonical_segment_id]) = DATALENGTH(s.[canonical_segment_id]) AND [acme].[user_identifiers].[type] = s.[type] AND DATALENGTH([acme].[user_identifiers].[type]) = DATALENGTH(s.[type]) AND [acme].[user_identifiers].[value] = s.[value] AND DATALENGTH([acme].[user_identifiers].[value]) = DATALENGTH(s.[value]) AND s.[_op] = 'U';
INSERT INTO [acme].[user_identifiers] ([canonical_segment_id], [type], [value], [seq], [received_at], [uuid_ts]) SELECT s.[canonical_segment_id], s.[type], s.[value], s.[seq], s.[received_at], s.[uuid_ts] FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] = 'U' AND NOT EXISTS (SELECT 1 FROM [acme].[user_identifiers] WHERE [acme].[user_identifiers].[canonical_segment_id] = s.[canonical_segment_id] AND DATALENGTH([acme].[user_identifiers].[canonical_segment_id]) = DATALENGTH(s.[canonical_segment_id]) AND [acme].[user_identifiers].[type] = s.[type] AND DATALENGTH([acme].[user_identifiers].[type]) = DATALENGTH(s.[type]) AND [acme].[user_identifiers].[value] = s.[value] AND DATALENGTH([acme].[user_identifiers].[value]) = DATALENGTH(s.[value]));
-- merge by an id
DELETE FROM [acme].[profile_merges] WHERE EXISTS (SELECT 1 FROM [_profiles_sync].[acme__bought] AS s WHERE [acme].[profile_merges].[segment_id] = s.[segment_id] AND DATALENGTH([acme].[profile_merges].[segment_id]) = DATALENGTH(s.[segment_id]) AND s.[_op] = 'D');
UPDATE [acme].[profile_merges] SET [seq] = s.[seq] FROM [_profiles_sync].[acme__bought] AS s WHERE [acme].[profile_merges].[segment_id] = s.[segment_id] AND DATALENGTH([acme].[profile_merges].[segment_id]) = DATALENGTH(s.[segment_id]) AND s.[_op] = 'U';
INSERT INTO [acme].[profile_merges] ([segment_id], [seq]) SELECT s.[segment_id], s.[seq] FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] = 'U' AND NOT EXISTS (SELECT 1 FROM [acme].[profile_merges] WHERE [acme].[profile_merges].[segment_id] = s.[segment_id] AND DATALENGTH([acme].[profile_merges].[segment_id]) = DATALENGTH(s.[segment_id]));
-- widen total from bigint to float
ALTER TABLE [acme].[bought] ALTER COLUMN [total] float NULL;
-- widen gift from bit to nvarchar(4000)
IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'[acme].[bought]') AND name = N'gift__wider') ALTER TABLE [acme].[bought] ADD [gift__wider] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL;
UPDATE [acme].[bought] SET [gift__wider] = CASE CAST([gift] AS int) WHEN 1 THEN 'true' WHEN 0 THEN 'false' END;
EXEC sp_rename N'[acme].[bought].[gift]', N'gift__was_bit', 'COLUMN'; EXEC sp_rename N'[acme].[bought].[gift__wider]', N'gift', 'COLUMN';
-- widen note from nvarchar(8) to nvarchar(12)
ALTER TABLE [acme].[bought] ALTER COLUMN [note] nvarchar(12) COLLATE Latin1_General_100_BIN2 NULL;
-- end a widening that was broken off
EXEC sp_rename N'[acme].[bought].[total__wider]', N'total', 'COLUMN';
-- count what a float rounds
SELECT count(*) FROM [acme].[bought] WHERE [total] > 9007199254740992 OR [total] < -9007199254740992;
-- read cursors
SELECT table_name, table_id, version, commit_digest FROM [_profiles_sync].[cursors_acme] WHERE schema_name = N'acme';
-- forget cursors
DELETE FROM [_profiles_sync].[cursors_acme] WHERE schema_name = N'acme' AND (table_name = N'bought' AND table_id = N'0c6d' AND version = 7 OR table_name = N'it''s' AND table_id = N'e2' AND version = 0);
-- record cursors
INSERT INTO [_profiles_sync].[cursors_acme] (schema_name, table_name, table_id, version, commit_digest, sync_id) SELECT N'acme', N'bought', N'0c6d', 7, N'a1', N'sync_1' UNION ALL SELECT N'acme', N'it''s', N'e2', 0, N'', N'sync_1';
-- from nvarchar(4000) to nvarchar(20)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND s.[total] IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to int
SELECT count(CASE WHEN s.[total] IS NOT NULL AND COALESCE(TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS int), TRY_CAST(ROUND(TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS float), 0) AS int)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to bigint
SELECT count(CASE WHEN s.[total] IS NOT NULL AND COALESCE(TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS bigint), TRY_CAST(ROUND(TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS float), 0) AS bigint)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to decimal(5,2)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS decimal(5,2)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to float
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS float) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to bit
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS bit) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to date
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS date) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to datetime2(7)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(NULLIF(LTRIM(RTRIM(s.[total])), '') AS datetime2(7)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from nvarchar(4000) to varbinary(8)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS varbinary(8)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to nvarchar(20)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CASE WHEN LEN(CAST(s.[total] AS nvarchar(64))) <= 20 THEN CAST(s.[total] AS nvarchar(64)) END IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to int
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS int) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to bigint
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS bigint) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to decimal(5,2)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS decimal(5,2)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to float
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS float) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to bit
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS bit) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to date
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS date) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to datetime2(7)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS datetime2(7)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bigint to varbinary(8)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS varbinary(8)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to nvarchar(20)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CASE WHEN LEN(CONVERT(nvarchar(64), s.[total], 3)) <= 20 THEN CONVERT(nvarchar(64), s.[total], 3) END IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to int
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(ROUND(s.[total], 0) AS int) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to bigint
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(ROUND(s.[total], 0) AS bigint) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to decimal(5,2)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS decimal(5,2)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to float
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS float) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to bit
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS bit) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to date
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS date) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to datetime2(7)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS datetime2(7)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from float to varbinary(8)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS varbinary(8)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to nvarchar(20)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CASE WHEN LEN(CASE CAST(s.[total] AS int) WHEN 1 THEN 'true' WHEN 0 THEN 'false' END) <= 20 THEN CASE CAST(s.[total] AS int) WHEN 1 THEN 'true' WHEN 0 THEN 'false' END END IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to int
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(CAST(s.[total] AS int) AS int) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to bigint
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(CAST(s.[total] AS int) AS bigint) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to decimal(5,2)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(CAST(s.[total] AS int) AS decimal(5,2)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to float
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(CAST(s.[total] AS int) AS float) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to bit
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(CAST(s.[total] AS int) AS bit) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to date
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS date) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to datetime2(7)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS datetime2(7)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from bit to varbinary(8)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS varbinary(8)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to nvarchar(20)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CASE WHEN LEN(CAST(s.[total] AS nvarchar(64))) <= 20 THEN CAST(s.[total] AS nvarchar(64)) END IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to int
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS int) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to bigint
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS bigint) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to decimal(5,2)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS decimal(5,2)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to float
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS float) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to bit
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS bit) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to date
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS date) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to datetime2(7)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND TRY_CAST(s.[total] AS datetime2(7)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- from datetime2(7) to varbinary(8)
SELECT count(CASE WHEN s.[total] IS NOT NULL AND CAST(NULL AS varbinary(8)) IS NULL THEN 1 END), 0 FROM [_profiles_sync].[acme__bought] AS s WHERE s.[_op] <> 'D';
-- staging
IF OBJECT_ID(N'[_profiles_sync].[acme__bought]') IS NOT NULL DROP TABLE [_profiles_sync].[acme__bought];
IF OBJECT_ID(N'[_profiles_sync].[acme__bought]') IS NULL CREATE TABLE [_profiles_sync].[acme__bought] ([id] nvarchar(4000) COLLATE Latin1_General_100_BIN2 NULL, [at] datetime2(7) NULL, [_op] nvarchar(1) COLLATE Latin1_General_100_BIN2 NULL) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);
-- copy
COPY INTO [_profiles_sync].[acme__bought] FROM 'https://rows.dfs.core.windows.net/staging/it''s/*.parquet' WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));
-- lock
IF OBJECT_ID(N'[_profiles_sync].[lock 293abb6b76d7791c0732cc517d38c4b5c734b87f]') IS NULL CREATE TABLE [_profiles_sync].[lock 293abb6b76d7791c0732cc517d38c4b5c734b87f] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS SELECT CAST(0 AS bit) AS [held];
IF OBJECT_ID(N'[_profiles_sync].[owner 293abb6b76d7791c0732cc517d38c4b5c734b87f]') IS NULL CREATE TABLE [_profiles_sync].[owner 293abb6b76d7791c0732cc517d38c4b5c734b87f] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS SELECT CAST(N'' AS nvarchar(64)) AS [owner];
BEGIN TRANSACTION;
UPDATE [_profiles_sync].[lock 293abb6b76d7791c0732cc517d38c4b5c734b87f] SET held = 1;
-- owner
UPDATE [_profiles_sync].[owner 293abb6b76d7791c0732cc517d38c4b5c734b87f] SET [owner] = N'0a1b';
UPDATE [_profiles_sync].[owner 293abb6b76d7791c0732cc517d38c4b5c734b87f] SET [owner] = [owner] WHERE [owner] = N'0a1b';
