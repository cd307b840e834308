import { describe, expect, it } from '@jest/globals';
import { QueryBus } from '@nestjs/cqrs';
import { FreeRoundIssue } from '../../src/sessions/free-round-issue.query.ts';
import type { Account } from '../../src/wallet/contract.ts';
import { officeGround } from '../support/office.ts';
import type { WorldPlayer } from '../support/world.ts';

/** The operator says whose free rounds an issue is, before a provider's total names nothing else. */
const here = officeGround({ players: { EUR: 4 } });

const path = () => `/v1/provider-accounts/${here.account.accountId}/free-rounds`;
const issue = (issueId: string) => here.served.app.get(QueryBus).execute(new FreeRoundIssue(here.account as unknown as Account, issueId));

describe('an issue of free rounds', () => {
  it('is written down once, and known from then on', async () => {
    const player = here.player();
    const call = { idempotencyKey: 'issue' };
    const body = { issueId: 'weekend-17', playerId: player.id, currency: 'EUR' };
    expect(await here.platform.post(path(), body, call)).toMatchObject({ status: 201, body });
    expect(await here.platform.post(path(), body, call)).toMatchObject({ status: 201, body, headers: { 'idempotent-replayed': 'true' } });
    expect(await issue('weekend-17')).toEqual({ player: player.id, currency: 'EUR' });
    expect(await issue('weekend-18')).toBeUndefined();
    here.expectRefused(await here.platform.post(path(), body), 'ALREADY_EXISTS', 409);
    here.expectRefused(await here.platform.post(path(), { ...body, playerId: here.player().id }), 'ALREADY_EXISTS', 409);
    here.expectRefused(await here.platform.post(path(), { ...body, issueId: 'other' }, call), 'TRANSACTION_CONFLICT', 409);
  });

  it('is of an account, a player and a wallet of the operator', async () => {
    const player = here.player();
    const body = { issueId: 'i', playerId: player.id, currency: 'EUR' };
    here.expectRefused(await here.platform.post(path(), { ...body, currency: 'JPY' }), 'CURRENCY_MISMATCH', 422);
    here.expectRefused(await here.platform.post(path(), { ...body, playerId: (here.world.strangers[0] as WorldPlayer).id }), 'NOT_FOUND', 404);
    here.expectRefused(await here.stranger.post(path(), body), 'NOT_FOUND', 404);
    for (const issueId of ['', 'x'.repeat(129), 'a\u0000', 7]) here.expectRefused(await here.platform.post(path(), { ...body, issueId }), 'REQUEST_INVALID', 400);
    here.expectRefused(await (await here.platformOf({ roles: ['auditor'] })).post(path(), body), 'FORBIDDEN', 403);
    expect(await here.sql("select 1 from free_round_issue where issue_id in ('i', '')")).toEqual([]);
  });
});
