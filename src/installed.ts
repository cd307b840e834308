/** What this installation speaks. A line a dialect: its adapter is served, its speaker is the provider's side of it for tests, kit and simulated studio. */
import type { MasterKeys } from '../libs/crypto/index.ts';
import type { Speaker } from './conformance/contract.ts';
import type { AnyDialect } from './providers/contract.ts';
import { caleta, hub88 } from './providers/hub88/adapter.ts';
import { caletaSpeaker, hub88Speaker } from './providers/hub88/simulator.ts';
import { native } from './providers/native/adapter.ts';
import { nativeSpeaker } from './providers/native/simulator.ts';
import { softswiss } from './providers/softswiss/adapter.ts';
import { softswissSpeaker } from './providers/softswiss/simulator.ts';
import type { Projection } from './views/contract.ts';
import { players } from './views/players/projection.ts';
import { revenue } from './views/revenue/projection.ts';
import { rounds } from './views/rounds/projection.ts';

export const DIALECTS: readonly AnyDialect[] = [native, hub88, caleta, softswiss];

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a speaker both makes secrets and takes them, so no narrower type holds all of them
export const SPEAKERS: readonly Speaker<any>[] = [nativeSpeaker, hub88Speaker, caletaSpeaker, softswissSpeaker];

/** What is made of the ledger for those who look. A line a view; `cli rebuild <name>` makes one anew. */
export const PROJECTIONS: readonly Projection[] = [revenue, players, rounds];

/** What keeps the master keys that providers' secrets are sealed with, where it is no file (SECRETS_KEY_FILE): a KMS or an HSM, from `src/own`. */
export const MASTER_KEYS: MasterKeys | undefined = undefined;
