import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { By, Require, type Caller } from '../access/contract.ts';
import { KeysService } from './keys.service.ts';
import type { PageQuery } from './lists.ts';
import { Command, type Asked } from './once.ts';
import { Answers, Does } from './route.ts';
import { ApiKeyId, ApiKeyRotation, ApiKeys, ApiKeyView, MadeApiKey, NewApiKey, PageOf } from './schemas.ts';

@ApiTags('API keys')
@Controller('v1/api-keys')
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @Get()
  @Require('keys.read')
  @Answers(ApiKeys, { summary: 'The operator’s API keys, oldest first' })
  list(@By() caller: Caller, @Query({ schema: PageOf }) query: PageQuery) {
    return this.keys.list(caller, query);
  }

  @Post()
  @Require('keys.manage')
  @Does(201, MadeApiKey, { summary: 'Make an API key', description: 'It may do no more than the key that makes it. The key is shown once.' })
  create(@Command() asked: Asked, @Body({ schema: NewApiKey }) body: z.infer<typeof NewApiKey>) {
    return this.keys.create(asked, body);
  }

  @Post(':apiKeyId/rotate')
  @Require('keys.manage')
  @Does(201, MadeApiKey, { summary: 'Replace an API key', description: 'A new key with the same rights; the old one expires after the overlap.' })
  rotate(
    @Command() asked: Asked, @Param('apiKeyId', { schema: ApiKeyId }) id: string, @Body({ schema: ApiKeyRotation }) body: z.infer<typeof ApiKeyRotation>,
  ) {
    return this.keys.rotate(asked, id, body);
  }

  @Delete(':apiKeyId')
  @Require('keys.manage')
  @Does(200, ApiKeyView, { summary: 'Revoke an API key', description: 'It stops within a second.' })
  revoke(@Command() asked: Asked, @Param('apiKeyId', { schema: ApiKeyId }) id: string) {
    return this.keys.revoke(asked, id);
  }
}
