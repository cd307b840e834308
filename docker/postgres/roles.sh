#!/usr/bin/env bash
# Runs once, when the primary's data directory is new: the roles that processes connect as, each with its password, the database, and
# leave for the replica to follow. The same as tools/local/roles.ts does for `npm start`.
set -euo pipefail

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set=owner="$OWNER_PASSWORD" --set=money="$MONEY_PASSWORD" --set=office="$OFFICE_PASSWORD" --set=worker="$WORKER_PASSWORD" \
  --set=read="$READ_PASSWORD" --set=replication="$REPLICATION_PASSWORD" <<'SQL'
create role croupier_owner login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password :'owner';
create role croupier_money login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password :'money';
create role croupier_office login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password :'office';
create role croupier_worker login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password :'worker';
create role croupier_read login nosuperuser nocreatedb nocreaterole nobypassrls noreplication password :'read';
create role croupier_replication login nosuperuser nocreatedb nocreaterole nobypassrls replication password :'replication';
create database croupier owner croupier_owner;
revoke all on database croupier from public;
grant connect on database croupier to croupier_owner, croupier_money, croupier_office, croupier_worker, croupier_read;
SQL

echo 'host replication croupier_replication all scram-sha-256' >> "$PGDATA/pg_hba.conf"
