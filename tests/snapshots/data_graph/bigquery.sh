# BigQuery for the Data Graph. It may be run again; what is there stays.
# Run it as an admin of the project: sh THIS_FILE. It needs the Google Cloud CLI, logged in.

set -eu

# 1. Create a service account for the Data Graph: BigQuery User
gcloud iam service-accounts describe segment-linked-user@your-project-id.iam.gserviceaccount.com --project=your-project-id >/dev/null 2>&1 || gcloud iam service-accounts create segment-linked-user --project=your-project-id
gcloud projects add-iam-policy-binding your-project-id --member=serviceAccount:segment-linked-user@your-project-id.iam.gserviceaccount.com --role=roles/bigquery.user --condition=None >/dev/null

# 2. Create a dataset for bookkeeping, the only one it may write
#    If Reverse ETL left it there, it is opened. It is hidden in the console.
bq query --project_id=your-project-id --use_legacy_sql=false 'CREATE SCHEMA IF NOT EXISTS `your-project-id`.`__segment_reverse_etl` OPTIONS (location = '"'"'US'"'"')'
bq query --project_id=your-project-id --use_legacy_sql=false 'GRANT `roles/bigquery.dataEditor` ON SCHEMA `your-project-id`.`__segment_reverse_etl` TO "serviceAccount:segment-linked-user@your-project-id.iam.gserviceaccount.com"'

# 3. Let it read: BigQuery Data Viewer; on a project or a dataset that holds for the tables to come as well
#    Repeat it with another --profiles-database for each further project to read.
bq query --project_id=your-project-id --use_legacy_sql=false 'GRANT `roles/bigquery.dataViewer` ON SCHEMA `your-project-id`.`acme` TO "serviceAccount:segment-linked-user@your-project-id.iam.gserviceaccount.com"'
bq query --project_id=your-project-id --use_legacy_sql=false 'GRANT `roles/bigquery.dataViewer` ON SCHEMA `your-project-id`.`erp` TO "serviceAccount:segment-linked-user@your-project-id.iam.gserviceaccount.com"'
bq query --project_id=your-project-id --use_legacy_sql=false 'GRANT `roles/bigquery.dataViewer` ON TABLE `your-project-id`.`crm`.`accounts` TO "serviceAccount:segment-linked-user@your-project-id.iam.gserviceaccount.com"'

# 4. Make a key, unless the file is there; it is a secret
test -e segment-key.json || (umask 077; gcloud iam service-accounts keys create segment-key.json --iam-account=segment-linked-user@your-project-id.iam.gserviceaccount.com)

# 5. Check it, logged in as segment-linked-user@your-project-id.iam.gserviceaccount.com
#    In your-project-id this is answered, if only with no row:
#      CREATE TABLE IF NOT EXISTS `your-project-id`.`__segment_reverse_etl`.`profiles_sync_check` (id STRING) OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR));
#    In your-project-id this lists acme, erp, crm:
#      SELECT schema_name FROM `your-project-id`.`region-us`.INFORMATION_SCHEMA.SCHEMATA;
#    In your-project-id this is answered, if only with no row:
#      SELECT * FROM `your-project-id`.`crm`.`accounts` LIMIT 10;
#      SELECT * FROM `your-project-id`.`acme`.`id_graph_updates` LIMIT 10;
#      SELECT * FROM `your-project-id`.`acme`.`external_id_mapping_updates` LIMIT 10;
#      SELECT * FROM `your-project-id`.`acme`.`profile_traits_updates` LIMIT 10;
#      SELECT * FROM `your-project-id`.`acme`.`profile_merges` LIMIT 10;
#      SELECT * FROM `your-project-id`.`acme`.`user_identifiers` LIMIT 10;
#      SELECT * FROM `your-project-id`.`acme`.`user_traits` LIMIT 10;
#    In your-project-id this is refused:
#      DELETE FROM `your-project-id`.`crm`.`accounts` WHERE FALSE;
#      DELETE FROM `your-project-id`.`acme`.`id_graph_updates` WHERE FALSE;
#      DELETE FROM `your-project-id`.`acme`.`external_id_mapping_updates` WHERE FALSE;
#      DELETE FROM `your-project-id`.`acme`.`profile_traits_updates` WHERE FALSE;
#      DELETE FROM `your-project-id`.`acme`.`profile_merges` WHERE FALSE;
#      DELETE FROM `your-project-id`.`acme`.`user_identifiers` WHERE FALSE;
#      DELETE FROM `your-project-id`.`acme`.`user_traits` WHERE FALSE;
