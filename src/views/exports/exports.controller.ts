import { Body, Controller, Delete, Get, Injectable, Param, Post, Query, Req, Res, type BeforeApplicationShutdown } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { By, refuse, Require, type Caller } from '../../access/contract.ts';
import { ExportDesk } from './desk.ts';
import { handOut } from './handed-out.ts';
import type { Format } from './period.ts';
import { tellProgress } from './progress.ts';
import { Answers, CommandKey, Does, Streams } from './route.ts';
import { ExportId, Exports, ExportView, NewExport, Nothing, PageOf } from './schema.ts';

const TYPES: Readonly<Record<Format, string>> = {
  csv: 'text/csv; charset=utf-8; header=present', 'csv.gz': 'application/gzip', xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};
/** Callers of a process who are told of progress at the same time. */
const MOST_LISTENERS = 200;

/** Who is told of progress, and may have to be let go. */
@Injectable()
export class Listeners implements BeforeApplicationShutdown {
  private readonly leaving = new AbortController();
  private listening = 0;

  /** Runs with a signal that says that the process ends; refuses where too many listen. */
  async listen(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.listening >= MOST_LISTENERS) throw refuse('UNAVAILABLE', 'too many callers listen already: ask for the export itself now and then', { headers: { 'retry-after': '5' } });
    this.listening++;
    try {
      await work(this.leaving.signal);
    } finally {
      this.listening--;
    }
  }

  beforeApplicationShutdown(): void {
    this.leaving.abort();
  }
}

/** Reports as files. */
@ApiTags('exports')
@Controller('v1/exports')
export class ExportsController {
  constructor(private readonly desk: ExportDesk, private readonly listeners: Listeners, private readonly logger: PinoLogger) {}

  @Post()
  @Require('exports.create')
  @Does(201, ExportView, 'Ask for a report as a file', 'It is made in the background: look at it, or listen to its progress, and fetch the file when it is done.')
  async create(@By() { operatorId }: Caller, @CommandKey() key: string, @Body({ schema: NewExport }) body: NewExport, @Res({ passthrough: true }) reply: FastifyReply) {
    const { view, again } = await this.desk.create(operatorId, key, body);
    if (again) void reply.header('idempotent-replayed', 'true');
    return view;
  }

  @Get()
  @Require('exports.read')
  @Answers(Exports, 'Exports, newest first')
  list(@By() { operatorId }: Caller, @Query({ schema: PageOf }) query: PageOf) {
    return this.desk.list(operatorId, query);
  }

  @Get(':exportId')
  @Require('exports.read')
  @Answers(ExportView, 'An export, and how far it is')
  get(@By() { operatorId }: Caller, @Param('exportId', { schema: ExportId }) id: string) {
    return this.desk.get(operatorId, id);
  }

  @Get(':exportId/progress')
  @Require('exports.read')
  @Streams(['text/event-stream'], 'How far an export is, as it goes', 'Server-sent events: `progress` at each change, `end` when it has ended; `data` is the export.')
  async progress(@By() { operatorId }: Caller, @Param('exportId', { schema: ExportId }) id: string, @Res() reply: FastifyReply): Promise<void> {
    const first = await this.desk.get(operatorId, id);
    await this.listeners.listen(async (leaving) => {
      const gone = new AbortController();
      const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };
      reply.hijack();
      reply.raw.once('close', () => gone.abort());
      reply.raw.writeHead(200, headers as Record<string, string>);
      await tellProgress(reply.raw, first, { read: () => this.desk.get(operatorId, id), signal: AbortSignal.any([gone.signal, leaving]) });
    });
  }

  @Post(':exportId/cancel')
  @Require('exports.create')
  @Does(200, ExportView, 'Cancel an export', 'Its worker stops within a second and no file is kept. One that has ended stays as it ended.')
  cancel(@By() { operatorId }: Caller, @CommandKey() _key: string, @Param('exportId', { schema: ExportId }) id: string, @Body({ schema: Nothing }) _body: object) {
    return this.desk.cancel(operatorId, id);
  }

  @Delete(':exportId')
  @Require('exports.create')
  @Does(200, ExportView, 'Delete the file of an export', 'Before its time, so that there is room for others. One that is under way is cancelled; the export itself stays in the list.')
  remove(@By() { operatorId }: Caller, @CommandKey() _key: string, @Param('exportId', { schema: ExportId }) id: string) {
    return this.desk.remove(operatorId, id);
  }

  @Get(':exportId/file')
  @Require('exports.read')
  @Streams(Object.values(TYPES), 'The file of an export', '409 while it is not there, 410 once it has expired')
  async file(@By() { operatorId }: Caller, @Param('exportId', { schema: ExportId }) id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { view, pieces } = await this.desk.file(operatorId, id);
    const { format, report, createdAt, bytes, asOf } = view;
    const name = `${report}-${createdAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z.${format}`;
    reply.hijack();
    // Of other bytes than that, it is not ended either.
    reply.raw.strictContentLength = true;
    reply.raw.writeHead(200, {
      ...reply.getHeaders() as Record<string, string>, ...(asOf !== undefined && { 'x-as-of': asOf }),
      'content-type': TYPES[format], 'content-length': bytes, 'content-disposition': `attachment; filename="${name}"`,
    });
    if (request.method === 'HEAD') return void reply.raw.end();
    try {
      await handOut(this.desk.parts(operatorId, id, pieces), reply.raw, { unpack: format === 'csv' });
    } catch (error) {
      // Ended before its length, which no caller takes for the whole.
      reply.raw.destroy();
      this.logger.warn({ err: error }, `the file of export ${id} could not be handed out to its end`);
    }
  }
}
