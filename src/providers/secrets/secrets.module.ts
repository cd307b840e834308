import { Module, type DynamicModule } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { SecretBox } from '../../../libs/crypto/index.ts';
import type { Config } from '../../config.ts';
import { MASTER_KEYS } from '../../installed.ts';
import { Metrics } from '../../ops/metrics.ts';
import { masterKeysOf, secretBoxOf } from './seal.ts';

const NO_KEYS = 'SECRETS_KEY_FILE is not set: secrets of providers that are sealed cannot be opened, their accounts are not served, and no secret can be made';

/** The one box of a process that has to do with providers' secrets. */
@Module({})
export class SecretsModule {
  static forRoot(config: Config): DynamicModule {
    const useFactory = async (metrics: Metrics, logger: PinoLogger): Promise<SecretBox> => {
      const box = secretBoxOf(await masterKeysOf(config.secretsKeyFile, MASTER_KEYS));
      metrics.gauge('croupier_secrets_unsealed', 'Live secrets of providers that stand in the database as they are', () => box.live.unsealed);
      metrics.gauge('croupier_secrets_unreadable', 'Live secrets of providers that could not be opened', () => box.live.unreadable);
      // Not before it is known that this process may run: one that must not says why, and nothing else.
      const onApplicationBootstrap = () => {
        if (!box.canSeal) logger.warn(NO_KEYS);
      };
      return Object.assign(box, { onApplicationBootstrap });
    };
    return {
      module: SecretsModule, global: true, exports: [SecretBox],
      providers: [{ provide: SecretBox, inject: [Metrics, PinoLogger], useFactory }],
    };
  }
}
