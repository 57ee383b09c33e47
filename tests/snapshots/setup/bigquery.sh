# BigQuery for Profiles Sync. It may be run again; what is there stays.
# Run it as an admin of the project: sh THIS_FILE. It needs the Google Cloud CLI, logged in.

set -eu

# 1. Create a project and enable BigQuery
#    The project needs billing: gcloud billing projects link PROJECT --billing-account=ACCOUNT
gcloud projects describe your-project-id >/dev/null 2>&1 || gcloud projects create your-project-id
gcloud services enable bigquery.googleapis.com bigquerystorage.googleapis.com --project=your-project-id

# 2. Create a service account for Profiles Sync
gcloud iam service-accounts describe segment-warehouses@your-project-id.iam.gserviceaccount.com --project=your-project-id >/dev/null 2>&1 || gcloud iam service-accounts create segment-warehouses --project=your-project-id

# 3. Let it own datasets and run jobs: BigQuery Data Owner, BigQuery Job User
gcloud projects add-iam-policy-binding your-project-id --member=serviceAccount:segment-warehouses@your-project-id.iam.gserviceaccount.com --role=roles/bigquery.dataOwner --condition=None >/dev/null
gcloud projects add-iam-policy-binding your-project-id --member=serviceAccount:segment-warehouses@your-project-id.iam.gserviceaccount.com --role=roles/bigquery.jobUser --condition=None >/dev/null

# 4. Create the space's dataset now, where its data shall be
bq query --project_id=your-project-id --use_legacy_sql=false 'CREATE SCHEMA IF NOT EXISTS `your-project-id`.`acme` OPTIONS (location = '"'"'US'"'"')'

# 5. Make a key, unless the file is there; it is a secret
test -e segment-key.json || (umask 077; gcloud iam service-accounts keys create segment-key.json --iam-account=segment-warehouses@your-project-id.iam.gserviceaccount.com)

# 6. Let the addresses in that Profiles Sync connects from: 203.0.113.7/32, 198.51.100.0/28, 2001:db8::/48
#    BigQuery takes calls from anywhere, unless the project is inside a VPC Service Controls perimeter.
#    If it is, make an access level and add it to the perimeter:
#      printf -- '- ipSubnetworks:\n  - 203.0.113.7/32\n  - 198.51.100.0/28\n  - 2001:db8::/48\n' > profiles-sync.yaml
#      gcloud access-context-manager levels create profiles_sync --title=profiles-sync --policy=POLICY \
#        --basic-level-spec=profiles-sync.yaml
