import { Module } from '@nestjs/common';
import { AuthenticateHandler } from './authenticate.query.ts';
import { EndSessionHandler, StartSessionHandler } from './handlers.ts';

@Module({ providers: [AuthenticateHandler, StartSessionHandler, EndSessionHandler] })
export class SessionsModule {}
