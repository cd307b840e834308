import { describe, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { Command, CommandHandler, CqrsModule, Query, QueryHandler } from '@nestjs/cqrs';
import { freshDatabase } from '../support/cluster.ts';
import { allRoles } from '../support/reader.ts';
import { serveHere } from '../support/server.ts';
import { wholeTree } from './tree.ts';

// Each message has exactly one handler. Nest warns of a second one and lets it win; of a missing one it says nothing until the first call.

const HANDLES = ['__commandHandler__', '__queryHandler__'];

/** Message → the handlers that a running application has registered for it. */
function registered(app: INestApplicationContext): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const module of app.get(ModulesContainer).values()) {
    for (const { metatype } of module.providers.values()) {
      for (const key of HANDLES) {
        const message = metatype ? (Reflect.getMetadata(key, metatype) as { name: string } | undefined) : undefined;
        if (message && metatype) found.set(message.name, [...(found.get(message.name) ?? []), metatype.name]);
      }
    }
  }
  return found;
}

function breaches(messages: readonly string[], handlers: Map<string, string[]>): string[] {
  const missing = messages.filter((message) => !handlers.has(message)).map((message) => `${message} has no handler`);
  const doubled = [...handlers].filter(([, names]) => names.length > 1)
    .map(([message, names]) => `${message} is handled by ${names.toSorted().join(' and ')}`);
  return [...missing, ...doubled];
}

const messagesOfSources = (): string[] => [...wholeTree()].filter(([path]) => path.startsWith('src/') && !path.endsWith('.spec.ts'))
  .flatMap(([, text]) => [...text.matchAll(/class (\w+) extends (?:Command|Query)\b/g)].map((match) => match[1] as string));

class Give extends Command<void> {}
class Take extends Command<void> {}
class Ask extends Query<number> {}

@CommandHandler(Give)
class GiveHandler { async execute() {} }
@CommandHandler(Give)
class AnotherGiveHandler { async execute() {} }
@QueryHandler(Ask)
class AskHandler { execute() { return Promise.resolve(1); } }

@Module({ providers: [GiveHandler, AskHandler] })
class One {}
@Module({ imports: [CqrsModule.forRoot(), One], providers: [AnotherGiveHandler] })
class Planted {}

describe('one handler a message', () => {
  it('of all that this application knows', async () => {
    const database = await freshDatabase();
    const served = await serveHere(database, allRoles(database));
    const messages = messagesOfSources();
    const handlers = registered(served.app);
    await served.close();
    expect(messages.length).toBeGreaterThan(0);
    expect([...handlers.keys()].toSorted()).toEqual(messages.toSorted());
    expect(breaches(messages, handlers)).toEqual([]);
  });

  it('is missed where one is forgotten or there is another', async () => {
    const app = await NestFactory.createApplicationContext(Planted, { logger: false });
    const handlers = registered(app);
    await app.close();
    expect(breaches([Give.name, Take.name, Ask.name], handlers))
      .toEqual(['Take has no handler', 'Give is handled by AnotherGiveHandler and GiveHandler']);
  });
});
