import type { WalletView } from '../wallet/contract.ts';

export interface Authenticated extends WalletView {
  readonly player: string;
  /** the token to be used from now on: the caller's own, or its successor */
  readonly token: string;
  readonly country?: string;
  readonly jurisdiction?: string;
  readonly language?: string;
}

/** What a token stands for: facts that never change, so they may be remembered. Whether it may still be played with is not among them. */
export interface SessionFacts {
  readonly player: string;
  readonly operatorId: string;
  readonly accountId: number;
  readonly currency: string;
}
