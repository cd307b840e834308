import { PERMISSIONS, type Permission } from './permissions.ts';

const ALL = Object.keys(PERMISSIONS) as Permission[];
const READS = ALL.filter((permission) => permission.endsWith('.read'));

/** Names for sets of permissions. A key keeps the names, so that a role that grows grows for its keys too. */
export const ROLES = {
  /** everything */
  administrator: ALL,
  /** the operator's own platform: players come, play, pay in and out */
  integration: [
    'operators.read', 'players.read', 'players.manage', 'wallets.read', 'sessions.read', 'sessions.manage', 'money.deposit', 'money.withdraw',
    'transactions.read', 'accounts.read',
  ],
  cashier: ['players.read', 'wallets.read', 'money.deposit', 'money.withdraw', 'transactions.read'],
  support: ['operators.read', 'players.read', 'players.manage', 'wallets.read', 'sessions.read', 'sessions.manage', 'transactions.read', 'accounts.read', 'calls.read'],
  /** whoever answers for the figures */
  finance: ['operators.read', 'players.read', 'wallets.read', 'transactions.read', 'accounts.read', 'reports.read', 'reports.lock', 'exports.read', 'exports.create'],
  /** whoever looks and changes nothing */
  auditor: READS,
} as const satisfies Record<string, readonly Permission[]>;

export type RoleName = keyof typeof ROLES;

export const isRole = (text: string): text is RoleName => Object.hasOwn(ROLES, text);

/** All that roles and single permissions come to. A name that is no longer known gives nothing. */
export function permissionsOf(roles: readonly string[], permissions: readonly string[]): ReadonlySet<Permission> {
  const known = new Set<string>([...permissions, ...roles.filter(isRole).flatMap((role) => ROLES[role])]);
  return new Set(ALL.filter((permission) => known.has(permission)));
}
