import { Module } from '@nestjs/common';
import { AuthenticateHandler } from './authenticate.query.ts';
import { ReadSessionFactsHandler } from './facts.query.ts';
import { FreeRoundIssueHandler } from './free-round-issue.query.ts';
import { EndSessionHandler, RotateSessionHandler, StartSessionHandler } from './handlers.ts';
import { ReadProfileHandler } from './profile.query.ts';
import { IsSupersededHandler } from './superseded.query.ts';

@Module({ providers: [AuthenticateHandler, ReadSessionFactsHandler, FreeRoundIssueHandler, IsSupersededHandler, ReadProfileHandler, StartSessionHandler, RotateSessionHandler, EndSessionHandler] })
export class SessionsModule {}
