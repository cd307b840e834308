/** Which handlers the cache stands in front of. */
import type { OnModuleInit } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { CachedHandler } from './cached.ts';
import type { ViewCache } from './view-cache.ts';

const isCached = (instance: unknown): instance is CachedHandler =>
  typeof instance === 'object' && instance !== null && 'cached' in instance && 'execute' in instance;

/** Puts the cache in front of every handler that says `cached`, before the first question comes. */
export class CachedQueries implements OnModuleInit {
  constructor(private readonly modules: ModulesContainer, private readonly cache: ViewCache) {}

  onModuleInit(): void {
    for (const module of this.modules.values()) {
      for (const { instance } of module.providers.values()) {
        if (!isCached(instance)) continue;
        const execute = instance.execute.bind(instance);
        instance.execute = (query) => this.cache.answer(instance.cached, query, execute);
      }
    }
  }
}
