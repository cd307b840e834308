import { isSealed, openSealed, seal, SealBroken, type MasterKeys } from './seal.ts';

/** Whose a secret is; what for is the box's. */
export interface SecretOwner {
  readonly operatorId: string;
  readonly accountId: number;
}

export interface StoredSecret extends SecretOwner {
  /** sealed, or as it is from before secrets were */
  readonly stored: string;
}

/** A keeper of master keys may be asked for many secrets at a start. */
const AT_ONCE = 16;

/** Seals the secrets of one purpose, and opens them. What was opened is remembered for as long as it is asked for. */
export class SecretBox {
  private opened = new Map<string, string>();
  /** how many of those last asked for are not sealed, and how many could not be opened */
  readonly live = { unsealed: 0, unreadable: 0 };

  constructor(
    /** undefined: none are configured, so that nothing can be sealed and only what is not sealed can be read */
    private readonly keys: MasterKeys | undefined,
    private readonly purpose: string,
  ) {}

  get canSeal(): boolean {
    return this.keys !== undefined;
  }

  seal(secret: string, { operatorId, accountId }: SecretOwner): Promise<string> {
    if (!this.keys) throw new Error('no master keys are configured');
    return seal(this.keys, secret, { operatorId, accountId, purpose: this.purpose });
  }

  /** The secret; text that is not sealed comes back as it is. Rejects with `SealBroken` where it will never open. */
  open({ stored, operatorId, accountId }: StoredSecret): Promise<string> {
    return openSealed(this.keys, stored, { operatorId, accountId, purpose: this.purpose });
  }

  /** Each as its secret or as the reason why there is none, in the same order. All that a process lives on, so that what is left out is forgotten. */
  async openAll(all: readonly StoredSecret[]): Promise<(string | Error)[]> {
    const before = this.opened;
    const opened = new Map<string, string>();
    const results = new Array<string | Error>(all.length);
    let next = 0;
    const open = async () => {
      for (let i = next++; i < all.length; i = next++) {
        const each = all[i] as StoredSecret;
        const name = `${each.operatorId} ${each.accountId} ${each.stored}`;
        try {
          const secret = before.get(name) ?? (await this.open(each));
          opened.set(name, secret);
          results[i] = secret;
        } catch (error) {
          results[i] = error instanceof SealBroken ? error : new Error('the master keys cannot be asked now', { cause: error });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, all.length) }, open));
    this.opened = opened;
    this.live.unsealed = all.filter(({ stored }) => !isSealed(stored)).length;
    this.live.unreadable = results.filter((result) => result instanceof Error).length;
    return results;
  }
}
