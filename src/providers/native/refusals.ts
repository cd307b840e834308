/** Every code of the native wire: its status, its words, and whether the same call can help. */
import type { Meaning } from '../../../libs/http/index.ts';
import { FAULTS, REFUSALS, type Fault, type RefusalCode } from '../../wallet/contract.ts';
import { DOOR, type DoorCode } from '../failures.ts';

export type Code = RefusalCode | Fault['code'] | DoorCode;
export const MEANINGS: Record<Code, Meaning> = { ...REFUSALS, ...FAULTS, ...DOOR };
