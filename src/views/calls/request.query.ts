import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { fingerprint } from '../../../libs/crypto/index.ts';
import { statement } from '../../../libs/postgres/index.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { WHOLE, wholeCallOf } from './row.ts';
import type { WholeCall } from './schema.ts';
import { written } from './written.ts';

/** The calls whose answers bore an id: one, or the attempts that a provider made under one id of its own. */
export class CallsOfRequest extends Query<View<{ readonly items: readonly WholeCall[] }>> {
  constructor(readonly asker: Asker, readonly requestId: string) { super(); }
}

const MOST = 100;
const NONE = 'no call of that id is in the log: it was accepted and not among those that are kept, or it is too old';

/** args: operator, the id's fingerprint · an id of a provider's making says nothing of its time, so each day's index is asked */
const findCalls = statement('view_calls_of_request', `
select ${WHOLE} from call_log l where l.operator_id = $1::uuid and l.request_key = $2::uuid order by l.at desc limit ${MOST}`);

@QueryHandler(CallsOfRequest)
export class CallsOfRequestHandler implements IQueryHandler<CallsOfRequest> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, requestId }: CallsOfRequest): Promise<View<{ readonly items: readonly WholeCall[] }>> {
    const answer = await this.reads.at(asker.token).as(asker.operator, [findCalls([asker.operator, fingerprint(requestId)])]);
    const items = answer.rows[0].map(wholeCallOf);
    return { ...written(seen(answer)), ...(items.length > 0 && { body: { items } }), why: NONE };
  }
}
