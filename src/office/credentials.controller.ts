import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { By, Require, type Caller } from '../access/contract.ts';
import { CredentialsService } from './credentials.service.ts';
import type { PageQuery } from './lists.ts';
import { Command, type Asked } from './once.ts';
import { Answers, Does } from './route.ts';
import { AccountId, CredentialKey, CredentialRotation, Credentials, CredentialView, MadeCredential, NewCredential, PageOf } from './schemas.ts';

const WHOSE = 'The dialect decides whose the secret is: made here, or the provider’s own, sent along. It is kept sealed.';

@ApiTags('provider accounts')
@Controller('v1/provider-accounts/:accountId/credentials')
export class CredentialsController {
  constructor(private readonly credentials: CredentialsService) {}

  @Get()
  @Require('credentials.read')
  @Answers(Credentials, { summary: 'What the provider may sign its calls with; never a secret' })
  list(@By() caller: Caller, @Param('accountId', { schema: AccountId }) accountId: number, @Query({ schema: PageOf }) query: PageQuery) {
    return this.credentials.list(caller, accountId, query);
  }

  @Post()
  @Require('credentials.manage')
  @Does(201, MadeCredential, { summary: 'Make a credential', description: `${WHOSE} One that was made here is shown once.` })
  create(
    @Command() asked: Asked, @Param('accountId', { schema: AccountId }) accountId: number, @Body({ schema: NewCredential }) body: z.infer<typeof NewCredential>,
  ) {
    return this.credentials.create(asked, accountId, body);
  }

  @Post(':apiKey/rotate')
  @Require('credentials.manage')
  @Does(201, MadeCredential, { summary: 'Replace its secret', description: `The old one verifies until the overlap ends. ${WHOSE}` })
  rotate(
    @Command() asked: Asked, @Param('accountId', { schema: AccountId }) accountId: number, @Param('apiKey', { schema: CredentialKey }) apiKey: string,
    @Body({ schema: CredentialRotation }) body: z.infer<typeof CredentialRotation>,
  ) {
    return this.credentials.rotate(asked, accountId, apiKey, body);
  }

  @Delete(':apiKey')
  @Require('credentials.manage')
  @Does(200, CredentialView, { summary: 'Revoke a credential', description: 'Within a second nothing signed by it is taken any more.' })
  revoke(
    @Command() asked: Asked, @Param('accountId', { schema: AccountId }) accountId: number, @Param('apiKey', { schema: CredentialKey }) apiKey: string,
  ) {
    return this.credentials.revoke(asked, accountId, apiKey);
  }
}
