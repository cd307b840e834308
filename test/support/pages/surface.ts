/** docs/surface.md: all that can be called, granted, set, measured and stored. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PERMISSIONS, ROLES } from '../../../src/access/contract.ts';
import { routesOf } from '../../../src/access/routes.ts';
import { Metrics } from '../../../src/ops/metrics.ts';
import { OPERATIONS } from '../../../src/providers/native/schema.ts';

type Query = <Row>(text: string) => Promise<Row[]>;

const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;
const table = (head: string[], rows: string[]) => [row(...head), row(...head.map(() => '---')), ...rows].join('\n');

function routes(app: NestFastifyApplication): string {
  const rows = routesOf(app).map(({ name, declared }) => {
    const who = declared && 'permission' in declared ? `\`${declared.permission}\`` : `anybody: ${declared?.reason}`;
    return row(`\`${name}\``, who);
  });
  return table(['route', 'who'], rows.toSorted());
}

function permissions(): string {
  const rows = Object.entries(PERMISSIONS).map(([name, sentence]) => {
    const held = Object.entries(ROLES).filter(([, of]) => (of as readonly string[]).includes(name)).map(([role]) => role);
    return row(`\`${name}\``, sentence, held.join(', '));
  });
  return table(['permission', '', 'roles that hold it'], rows);
}

/** Each with the words above it in src/config.ts; one that has none says enough by its name. */
function settings(): string {
  const text = readFileSync(join(import.meta.dirname, '../../../src/config.ts'), 'utf8');
  const rows: string[] = [];
  let says = '';
  for (const line of text.slice(text.indexOf('const Settings'), text.indexOf('\n});')).split('\n')) {
    const [, comment] = /^ {2}\/\*\* (.+) \*\/$/.exec(line) ?? [];
    const [, name, schema = ''] = /^ {2}([A-Z_]+): (.+),$/.exec(line) ?? [];
    const [, standard] = /\.default\(([^)]*)\)/.exec(schema) ?? [];
    if (name) rows.push(row(`\`${name}\``, standard && standard !== "''" ? `\`${standard.replaceAll(/'|(?<=\d)_(?=\d)/g, '')}\`` : '', says));
    says = comment ?? '';
  }
  return table(['setting', 'unless set', ''], rows.toSorted());
}

async function metrics(app: NestFastifyApplication): Promise<string> {
  const all = await app.get(Metrics).registry.getMetricsAsJSON();
  const own = all.filter(({ name }) => name.startsWith('croupier_'));
  return table(['metric', ''], own.map(({ name, help }) => row(`\`${name}\``, help)).toSorted());
}

const TABLES = `
  select c.relname as name, coalesce(obj_description(c.oid), '') as says, case when c.relkind <> 'p' then '' when exists (select from pg_inherits i join pg_class p on p.oid = i.inhrelid
    where i.inhparent = c.oid and p.relname ~ '_\\d{4}_\\d\\d_\\d\\d$') then 'daily' else 'monthly' end as parts, c.relrowsecurity as walled
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`;
const GRANTS = `
  select table_name as name, replace(grantee, 'croupier_', '') as role, string_agg(lower(privilege_type), ' ' order by privilege_type) as may
  from information_schema.role_table_grants
  where table_schema = 'public' and grantee like 'croupier\\_%' and grantee <> 'croupier_owner' group by 1, 2 order by 1, 2`;

async function tables(query: Query): Promise<string> {
  const all = await query<{ name: string; says: string; parts: string; walled: boolean }>(TABLES);
  const grants = await query<{ name: string; role: string; may: string }>(GRANTS);
  const rows = all.map(({ name, says, parts, walled }) => {
    const may = grants.filter((grant) => grant.name === name).map((grant) => `${grant.role}: ${grant.may}`);
    return row(`\`${name}\``, [walled ? 'tenants walled' : '', parts].filter(Boolean).join(', '), may.join('; '), says);
  });
  return table(['table', '', 'roles', ''], rows);
}

export const surfacePage = async (app: NestFastifyApplication, query: Query): Promise<string> => `# The surface

Made by \`npm run pages\` out of the running system: all that can be called, granted, set, measured and stored. Requests and answers are in
[openapi.json](openapi.json), codes in [refusals.md](refusals.md).

## Routes
\`POST /v1/wallet/:operation\` is ${Object.keys(OPERATIONS).map((name) => `\`${name}\``).join(', ')}.

${routes(app)}

## Permissions
${permissions()}

## Settings
${settings()}

## Metrics
${await metrics(app)}

## Tables
${await tables(query)}
`;
