import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../access/contract.ts';
import { Metrics } from '../metrics.ts';
import { Feed, type Tail } from './feed.ts';
import { figuresOf, type Figures } from './figures.ts';
import { Page } from './page.ts';
import { Views } from './views.ts';

/** The page of the local run at `/`, and what it asks for while somebody looks. */
@ApiExcludeController()
@Public('local run only: mounted by a setting that a public HOST refuses')
@Controller()
export class PageController {
  constructor(
    private readonly page: Page,
    private readonly feed: Feed,
    private readonly metrics: Metrics,
    private readonly views: Views,
  ) {}

  @Get()
  show(@Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.headers(this.page.headers);
    return this.page.html;
  }

  @Get('local/readme')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('x-content-type-options', 'nosniff')
  readme(): string {
    return this.page.readme;
  }

  @Get('local/feed')
  @Header('cache-control', 'no-store')
  async news(): Promise<{ now: string; figures: Figures; ledger: Tail; demoFile: string }> {
    const [figures, ledger] = await Promise.all([figuresOf(this.metrics), this.feed.read()]);
    return { now: new Date().toISOString(), figures, ledger, demoFile: this.page.demoFile };
  }

  @Get('local/views')
  @Header('cache-control', 'no-store')
  shown(): ReturnType<Views['read']> {
    return this.views.read();
  }
}
