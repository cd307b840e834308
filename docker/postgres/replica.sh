#!/usr/bin/env bash
# The replica's entry point. Where it has no data yet it copies the primary's, with a slot of its own, so that the primary keeps what it has
# not seen; a copy that was interrupted is begun anew. To make it anew by hand: stop it and remove its volume.
set -euo pipefail

SLOT=croupier_replica
export PGPASSWORD="$REPLICATION_PASSWORD"
PRIMARY="host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=croupier_replication"

if [[ ! -s "$PGDATA/PG_VERSION" ]]; then
  aside="$PGDATA.new"
  rm -rf "$aside" "$PGDATA"
  mkdir -p "$(dirname "$PGDATA")"
  # A slot of an earlier copy keeps what nobody will ask for.
  psql --no-psqlrc --quiet "$PRIMARY replication=true" --command="DROP_REPLICATION_SLOT $SLOT" 2>/dev/null || true
  pg_basebackup --dbname="$PRIMARY" --pgdata="$aside" --create-slot --slot="$SLOT" --wal-method=stream --checkpoint=fast --write-recovery-conf
  chmod 0700 "$aside"
  mv "$aside" "$PGDATA"
fi

unset PGPASSWORD REPLICATION_PASSWORD
exec docker-entrypoint.sh "$@"
