import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config.ts';
import { AccountsController } from './accounts.controller.ts';
import { AccountsService } from './accounts.service.ts';
import { CashierController } from './cashier.controller.ts';
import { CashierService } from './cashier.service.ts';
import { CredentialsController } from './credentials.controller.ts';
import { CredentialsService } from './credentials.service.ts';
import { DaysController } from './days.controller.ts';
import { DaysService } from './days.service.ts';
import { FreeRoundsController } from './free-rounds.controller.ts';
import { FreeRoundsService } from './free-rounds.service.ts';
import { KeysController } from './keys.controller.ts';
import { KeysService } from './keys.service.ts';
import { Office } from './office.ts';
import { OperatorsController } from './operators.controller.ts';
import { OperatorsService } from './operators.service.ts';
import { PlayersController } from './players.controller.ts';
import { PlayersService } from './players.service.ts';
import { SessionsController } from './sessions.controller.ts';
import { SessionsService } from './sessions.service.ts';

/** The operator's own API: who and what exists. Money moves through the messages of `wallet`, sessions through those of `sessions`. */
@Module({})
export class OfficeModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: OfficeModule,
      controllers: [
        OperatorsController, KeysController, PlayersController, SessionsController, CashierController, AccountsController, CredentialsController,
        FreeRoundsController, DaysController,
      ],
      providers: [
        {
          provide: Office,
          useFactory: () => {
            const office = new Office(config.officeUrl);
            return Object.assign(office, { onApplicationShutdown: () => office.close() });
          },
        },
        OperatorsService, KeysService, PlayersService, SessionsService, CashierService, AccountsService, CredentialsService, FreeRoundsService, DaysService,
      ],
    };
  }
}
