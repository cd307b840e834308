/** All that a key of the operator's API may be allowed, one sentence each. A route names one; a role is a set of them. */
export const PERMISSIONS = {
  'operators.read': 'See the name and the switch of one’s own operator.',
  'operators.manage': 'Make another operator, with its first key.',
  'settings.manage': 'Rename one’s own operator, and stop or allow all of its bets.',
  'keys.read': 'See which API keys there are; never a key itself.',
  'keys.manage': 'Make, rotate and revoke API keys that may do no more than one’s own.',
  'players.read': 'See players and whether they may bet.',
  'players.manage': 'Open players and further wallets of theirs, block and close players.',
  'wallets.read': 'See balances.',
  'sessions.read': 'See a player’s sessions; never a token.',
  'sessions.manage': 'Start and end sessions of players.',
  'money.deposit': 'Put money into a player’s wallet.',
  'money.withdraw': 'Take money out of a player’s wallet.',
  'transactions.read': 'See transactions and rounds.',
  'reports.read': 'See revenue, the dashboard and other reports.',
  'reports.lock': 'Lock gaming days, so that their figures stand.',
  'exports.read': 'See exports and their schedules, and fetch their files.',
  'exports.create': 'Ask for exports and plan them; cancel them, delete their files and end their schedules.',
  'calls.read': 'See what providers called and were answered, without secrets, and how they fare.',
  'accounts.read': 'See provider accounts, their policies and their games.',
  'accounts.manage': 'Make and change provider accounts and their games, and stop or allow bets there.',
  'credentials.read': 'See which keys a provider calls with; never a secret.',
  'credentials.manage': 'Make, rotate and revoke what a provider signs its calls with.',
} as const;

export type Permission = keyof typeof PERMISSIONS;

export const isPermission = (text: string): text is Permission => Object.hasOwn(PERMISSIONS, text);
